//! tonic as a team would run it. No metrics, no access log, so it does less than ours.
//!
//!     tonic-peer ADDRESS

use tokio_stream::{Stream, StreamExt};
use tonic::{Request, Response, Status, Streaming, transport::Server};

mod bench {
    tonic::include_proto!("bench.v1");
}
use bench::{
    GetUserRequest, Message, User,
    echo_server::{Echo, EchoServer},
};

struct Service;

#[tonic::async_trait]
impl Echo for Service {
    async fn unary(&self, request: Request<Message>) -> Result<Response<Message>, Status> {
        Ok(Response::new(request.into_inner()))
    }

    async fn get_user(&self, request: Request<GetUserRequest>) -> Result<Response<User>, Status> {
        let id = request.into_inner().id;
        let name = format!("user_{id}");
        Ok(Response::new(User { id, name }))
    }

    type StreamStream = std::pin::Pin<Box<dyn Stream<Item = Result<Message, Status>> + Send>>;

    async fn stream(&self, request: Request<Streaming<Message>>) -> Result<Response<Self::StreamStream>, Status> {
        Ok(Response::new(Box::pin(request.into_inner().map(|message| message))))
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = std::env::args().nth(1).expect("usage: tonic-peer ADDRESS").parse()?;
    Server::builder().tcp_nodelay(true).add_service(EchoServer::new(Service)).serve(address).await?;
    Ok(())
}
