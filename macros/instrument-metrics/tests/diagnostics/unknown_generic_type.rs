#[get("/")]
#[instrument_metrics]
async fn handler(store: Dta<u64>) -> Rsult<String, Eror> {
    Ok(store.to_string())
}
