"""Builds what a row needs: programs of the dist preset by CMake, peers by their own tools, kept outside of the tree by what they are made of."""

import glob
import hashlib
import os
import shutil
import subprocess
from typing import Dict, Iterable, List, Optional

from .context import TOP, Options, cache_folder

# The Go peers, each with its package's folder; micro is a test program.
GO = {name: name for name in ("gin", "echo", "grpcgo", "gateway", "transcode", "micro")}
SHOP = {f"go-shop-{name}": f"go-shop/{name}" for name in ("gateway", "order", "user")}  # with SQLite in C
GO |= SHOP
RUST = {"axum", "tonic"}
PEERS = os.path.join(TOP, "bench", "peers")
PROTO = os.path.join(TOP, "bench", "proto")
SHOP_PROTO = "shop/v1/user.proto"


class Failed(Exception):
    pass


def _run(argv: List[str], log: str, *, cwd: Optional[str] = None, env: Optional[Dict[str, str]] = None) -> None:
    with open(log, "ab") as out:
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=cwd, env={**os.environ, **(env or {})})
    if done.returncode == 0:
        return
    with open(log, errors="replace") as file:
        lines = [line for line in file.read().strip().splitlines() if line]
    telling = [line for line in lines if "error" in line.lower()] or lines or ["?"]
    raise Failed(f"{os.path.basename(argv[0])}: {telling[-1].strip()} ({log})")


def dist(options: Options, targets: Iterable[str]) -> None:
    """The targets in preset `dist`; a folder that is no build of this tree is used as it is."""
    wanted = sorted(set(targets))
    log = os.path.join(options.dist, "bench-build.log")
    os.makedirs(options.dist, exist_ok=True)
    if not os.path.exists(os.path.join(options.dist, "build.ninja")):
        _run(["cmake", "--preset", "dist", "-B", options.dist], log, cwd=TOP)
    _run(["ninja", "-C", options.dist, *wanted], log)


def _digest(paths: Iterable[str], *more: str) -> str:
    digest = hashlib.sha256("\0".join(more).encode())
    for path in sorted(paths):
        digest.update(os.path.relpath(path, TOP).encode())
        with open(path, "rb") as file:
            digest.update(file.read())
    return digest.hexdigest()


def _fresh(name: str, digest: str) -> bool:
    program = os.path.join(cache_folder(), "bin", name)
    try:
        with open(program + ".from") as file:
            return file.read() == digest and os.access(program, os.X_OK)
    except OSError:
        return False


def _install(built: str, name: str, digest: str) -> None:
    program = os.path.join(cache_folder(), "bin", name)
    shutil.copy2(built, program + ".new")
    os.replace(program + ".new", program)
    with open(program + ".from", "w") as file:
        file.write(digest)


def go_program() -> str:
    done = subprocess.run(["bash", "-c", "source tools/setup && setup_go"], cwd=TOP, capture_output=True, text=True)
    if done.returncode != 0:
        raise Failed("no Go of at least 1.23")
    return done.stdout.strip()


def _tools() -> str:
    return os.path.join(cache_folder(), "go-tools")


def go_module(module: str, log: str) -> Dict[str, str]:
    """Makes `module` anew: bench/peers' Go sources with what is generated from the protos. Gives the environment to build it in."""
    go = go_program()
    shutil.rmtree(module, ignore_errors=True)
    os.makedirs(os.path.join(module, "gen"))
    os.makedirs(_tools(), exist_ok=True)
    for file in ("go.mod", "go.sum", "tools.go"):
        shutil.copy2(os.path.join(PEERS, file), module)
    for folder in {package.partition("/")[0] for package in GO.values()}:
        shutil.copytree(os.path.join(PEERS, folder), os.path.join(module, folder))
    env = {"GOFLAGS": "-mod=readonly", "CGO_ENABLED": "0", "GONOSUMDB": "*", "PATH": os.path.dirname(go) + os.pathsep + os.environ["PATH"]}
    _generate(go, module, _tools(), log, env)
    return env


def _go(names: List[str], log: str) -> None:
    shared = [os.path.join(PEERS, file) for file in ("go.mod", "go.sum", "tools.go")] + glob.glob(os.path.join(PROTO, "*"))
    shop = glob.glob(os.path.join(PEERS, "go-shop", "*", "*.go")) + [os.path.join(TOP, "proto", SHOP_PROTO)]
    digests = {name: _digest(shared + (shop if name in SHOP else glob.glob(os.path.join(PEERS, name, "*.go"))), name) for name in names}
    stale = [name for name in names if not _fresh(name, digests[name])]
    if not stale:
        return
    go, module, tools = go_program(), os.path.join(cache_folder(), "go"), _tools()
    env = go_module(module, log)
    for name in stale:
        built = os.path.join(tools, name)
        verb = ["test", "-c"] if name == "micro" else ["build"]
        _run([go, *verb, "-buildvcs=false", "-trimpath", "-ldflags", "-s -w", "-o", built, f"./{GO[name]}"], log, cwd=module,
             env={**env, "CGO_ENABLED": "1" if name in SHOP else "0"})
        _install(built, name, digests[name])


def _generate(go: str, module: str, tools: str, log: str, env: Dict[str, str]) -> None:
    """The Go side of bench/proto and of the shop's proto, below `module`/gen."""
    generators = {
        "go": "google.golang.org/protobuf/cmd/protoc-gen-go",
        "go-grpc": "google.golang.org/grpc/cmd/protoc-gen-go-grpc",
        "grpc-gateway": "github.com/grpc-ecosystem/grpc-gateway/v2/protoc-gen-grpc-gateway",
    }
    _run([go, "build", "-buildvcs=false", "-o", tools + os.sep, *generators.values()], log, cwd=module, env=env)
    protoc = ["protoc", *(f"--plugin=protoc-gen-{plugin}={tools}/protoc-gen-{plugin}" for plugin in generators)]

    def made_by(plugin: str) -> List[str]:
        return [f"--{plugin}_out={module}", f"--{plugin}_opt=module=yun/bench"]

    echo = [argument for plugin in generators for argument in made_by(plugin)]
    _run([*protoc, f"--proto_path={PROTO}", f"--grpc-gateway_opt=grpc_api_configuration={PROTO}/echo.http.yaml", *echo, f"{PROTO}/echo.proto"], log)
    shop = [argument for plugin in ("go", "go-grpc") for argument in (*made_by(plugin), f"--{plugin}_opt=M{SHOP_PROTO}=yun/bench/gen/shop")]
    _run([*protoc, f"--proto_path={TOP}/proto", *shop, f"{TOP}/proto/{SHOP_PROTO}"], log)


def _ghz(log: str) -> None:
    """A Go program of a module of its own: what it needs is not to move the versions of the peers."""
    folder = os.path.join(PEERS, "ghz")
    digest = _digest(glob.glob(os.path.join(folder, "*")), "ghz")
    if _fresh("ghz", digest):
        return
    go, built = go_program(), os.path.join(cache_folder(), "ghz.new")
    env = {"GOFLAGS": "-mod=readonly", "CGO_ENABLED": "0", "GONOSUMDB": "*"}
    _run([go, "build", "-buildvcs=false", "-trimpath", "-ldflags", "-s -w", "-o", built, "github.com/bojand/ghz/cmd/ghz"], log, cwd=folder, env=env)
    _install(built, "ghz", digest)


def _drogon(log: str) -> None:
    """drogon is a library that Debian lacks: its first build is a command of its own, as it takes minutes and needs its sources."""
    folder = os.path.join(PEERS, "drogon")
    digest = _digest(glob.glob(os.path.join(folder, "*")), "drogon")
    if _fresh("drogon", digest):
        return
    command = os.path.join(folder, "build")
    tag = subprocess.run([command, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    if not os.path.exists(os.path.join(cache_folder(), f"drogon-{tag}", "lib", "libdrogon.a")):
        raise Failed(f"drogon {tag} is not built; bench/peers/drogon/build does that")
    _run([command], log)
    with open(os.path.join(cache_folder(), "bin", "drogon.from"), "w") as file:
        file.write(digest)


def _rust(name: str, log: str) -> None:
    folder = os.path.join(PEERS, name)
    sources = [path for pattern in ("Cargo.toml", "Cargo.lock", "build.rs", "src/*.rs") for path in glob.glob(os.path.join(folder, pattern))]
    digest = _digest(sources + glob.glob(os.path.join(PROTO, "*.proto")), name)
    if _fresh(name, digest):
        return
    target = os.path.join(cache_folder(), "rust")
    cargo = shutil.which("cargo") or os.path.expanduser("~/.cargo/bin/cargo")
    if not os.access(cargo, os.X_OK):
        raise Failed("no cargo")
    manifest = os.path.join(folder, "Cargo.toml")
    _run([cargo, "build", "--release", "--locked", "--manifest-path", manifest, "--target-dir", target], log, env={"BENCH_PROTO": PROTO})
    _install(os.path.join(target, "release", f"{name}-peer"), name, digest)


def peers(names: Iterable[str]) -> Dict[str, str]:
    """Builds the peers; gives, for those that could not be, why."""
    os.makedirs(os.path.join(cache_folder(), "bin"), exist_ok=True)
    log = os.path.join(cache_folder(), "build.log")
    open(log, "wb").close()
    missing: Dict[str, str] = {}
    for name in sorted(set(names)):
        try:
            if name in GO:
                _go([name], log)
            elif name in RUST:
                _rust(name, log)
            elif name == "ghz":
                _ghz(log)
            elif name == "drogon":
                _drogon(log)
        except (Failed, OSError) as error:
            missing[name] = str(error)
    return missing
