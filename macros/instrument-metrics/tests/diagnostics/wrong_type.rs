#[get("/")]
#[instrument_metrics]
async fn handler(id: web::Path<u64>) -> String {
    let number: u64 = "seven";
    format!("{id} {number}")
}
