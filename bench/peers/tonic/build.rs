fn main() -> Result<(), Box<dyn std::error::Error>> {
    let proto = std::env::var("BENCH_PROTO").expect("BENCH_PROTO: the folder of echo.proto");
    tonic_prost_build::configure().build_client(false).compile_protos(&[format!("{proto}/echo.proto")], &[proto])?;
    Ok(())
}
