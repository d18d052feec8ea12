struct NoResponder;

#[instrument_metrics]
async fn handler() -> NoResponder {
    NoResponder
}

pub fn routes(config: &mut web::ServiceConfig) {
    config.route("/", web::get().to(handler));
}
