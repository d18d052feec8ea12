#[deprecated = "use the new one"]
fn old() -> String {
    String::new()
}

#[deprecated = "gone soon"]
#[instrument_metrics]
async fn handler() -> String {
    String::new()
}

#[get("/")]
#[instrument_metrics]
async fn other() -> String {
    old()
}

pub fn routes(config: &mut web::ServiceConfig) {
    config.service(other).route("/", web::get().to(handler));
}
