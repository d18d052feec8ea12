#[get("/")]
#[instrument_metrics]
async fn handler(number: web::Path<u8>) -> String {
    if (*number > 255) {
        return "never".to_string()
    };
    let _ = 1 / 0;
    String::new()
}
