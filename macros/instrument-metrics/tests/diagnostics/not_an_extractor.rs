struct NoExtractor;

#[instrument_metrics]
async fn handler(wrong: NoExtractor) -> String {
    let NoExtractor = wrong;
    String::new()
}

pub fn routes(config: &mut web::ServiceConfig) {
    config.route("/", web::get().to(handler));
}
