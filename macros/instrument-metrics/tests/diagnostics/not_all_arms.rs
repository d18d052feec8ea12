#[get("/")]
#[instrument_metrics]
async fn handler(id: web::Path<u64>) -> &'static str {
    match id.checked_sub(1) {
        Some(_) => "more",
    }
}
