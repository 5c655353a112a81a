//! The Lambda function `roster`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    fairleader_runtime::run::<fairleader_roster::Roster>().await
}
