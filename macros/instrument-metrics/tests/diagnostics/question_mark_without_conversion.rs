struct MemoError;

#[get("/")]
#[instrument_metrics]
async fn handler() -> Result<String, actix_web::Error> {
    let found: Result<String, MemoError> = Err(MemoError);
    Ok(found?)
}
