#[instrument_metrics]
#[get("/")]
async fn handler() {
    println!("nothing to answer with");
}
