#[get("/")]
#[instrument_metrics]
async fn handler(id: web::Path<u64>) -> String {
    let _ = ids;
    id.to_string()
}
