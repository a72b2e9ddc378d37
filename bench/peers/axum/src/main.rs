//! axum as a team would run it: Prometheus layer, JSON by serde, validated by derive. No access log.
//!
//!     axum-peer ADDRESS [CERTIFICATE KEY]

use axum::{
    Json, Router,
    extract::Path,
    http::StatusCode,
    routing::{get, post},
    serve::ListenerExt,
};
use axum_prometheus::PrometheusMetricLayer;
use serde::{Deserialize, Serialize};
use validator::{Validate, ValidationError};

#[derive(Serialize)]
struct User {
    id: String,
    name: String,
}

#[derive(Serialize, Deserialize, Validate)]
struct Line {
    #[validate(length(min = 1, max = 64))]
    product: String,
    #[validate(length(min = 1, max = 200))]
    title: String,
    #[validate(range(min = 1, max = 1000))]
    quantity: i64,
    #[validate(range(min = 0, max = 100_000_000))]
    price_cents: i64,
    #[validate(length(max = 8))]
    tags: Vec<String>,
}

#[derive(Deserialize, Validate)]
struct Order {
    #[validate(length(min = 1, max = 64))]
    customer: String,
    #[validate(custom(function = "known_currency"))]
    currency: String,
    #[validate(length(max = 500))]
    note: String,
    #[validate(length(min = 1, max = 100), nested)]
    lines: Vec<Line>,
}

#[derive(Serialize)]
struct Placed {
    id: String,
    customer: String,
    currency: String,
    note: String,
    items: i64,
    total_cents: i64,
    lines: Vec<Line>,
}

fn known_currency(currency: &str) -> Result<(), ValidationError> {
    match currency {
        "EUR" | "USD" | "CNY" => Ok(()),
        _ => Err(ValidationError::new("currency")),
    }
}

async fn user(Path(id): Path<String>) -> Json<User> {
    let name = format!("user_{id}");
    Json(User { id, name })
}

async fn place(Json(order): Json<Order>) -> Result<Json<Placed>, (StatusCode, String)> {
    order.validate().map_err(|faults| (StatusCode::UNPROCESSABLE_ENTITY, faults.to_string()))?;
    let items = order.lines.iter().map(|line| line.quantity).sum();
    let total_cents = order.lines.iter().map(|line| line.quantity * line.price_cents).sum();
    let Order { customer, currency, note, lines } = order;
    Ok(Json(Placed { id: "o-1".into(), customer, currency, note, items, total_cents, lines }))
}

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let address = arguments.get(1).expect("usage: axum-peer ADDRESS [CERTIFICATE KEY]");
    let address: std::net::SocketAddr = address.parse().expect("address");
    let (metrics, handle) = PrometheusMetricLayer::pair();
    let app = Router::new()
        .route("/api/users/{id}", get(user))
        .route("/api/orders", post(place))
        .route("/metrics", get(|| async move { handle.render() }))
        .layer(metrics);
    if let [_, _, certificate, key] = arguments.as_slice() {
        rustls::crypto::ring::default_provider().install_default().expect("provider");
        let tls = axum_server::tls_rustls::RustlsConfig::from_pem_file(certificate, key).await.expect("certificate");
        axum_server::bind_rustls(address, tls).serve(app.into_make_service()).await.expect("serve");
        return;
    }
    let listener = tokio::net::TcpListener::bind(address).await.expect("bind");
    let listener = listener.tap_io(|stream| stream.set_nodelay(true).expect("nodelay"));
    axum::serve(listener, app).await.expect("serve");
}
