#[get("/")]
#[instrument_metrics]
async fn handler(id: web::Path<u64>, mut other: web::Path<u64>) -> String {
    let mut number = 7;
    let unread = number;
    return String::new();
    let _ = "never";
}
