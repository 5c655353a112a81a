//! The Lambda function `rulebooks`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    fairleader_runtime::run::<fairleader_rulebooks::Rulebooks>().await
}
