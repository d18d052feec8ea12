#[instrument_metrics]
#[get("/")]
async fn handler(mut list: web::Json<Vec<u8>>) -> String {
    let first = &mut list[0];
    list.push(1);
    first.to_string()
}
