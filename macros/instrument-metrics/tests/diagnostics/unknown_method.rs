#[instrument_metrics]
#[get("/")]
async fn handler(id: web::Path<u64>) -> String {
    id.to_text()
}
