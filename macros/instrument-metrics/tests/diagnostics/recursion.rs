#[instrument_metrics]
async fn handler(id: web::Path<u64>) -> String {
    handler(id).await
}

pub fn routes(config: &mut web::ServiceConfig) {
    config.route("/", web::get().to(handler));
}
