#[get("/")]
#[instrument_metrics]
async fn handler(id: web::Pth<u64>) -> String {
    String::new()
}
