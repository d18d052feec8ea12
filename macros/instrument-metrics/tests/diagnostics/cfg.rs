#[cfg(any())]
#[instrument_metrics]
async fn absent(id: web::Path<Unknown>) -> String {
    unknown
}

#[instrument_metrics]
#[cfg(all())]
async fn present() -> String {
    String::new()
}

#[instrument_metrics]
#[cfg_attr(all(), allow(unused_variables))]
async fn quiet(id: web::Path<u64>) -> String {
    String::new()
}

pub fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/p", web::get().to(present))
        .route("/q", web::get().to(quiet))
        .route("/a", web::get().to(absent));
}
