#[get("/allowed")]
#[allow(unused_variables)]
#[instrument_metrics]
async fn allowed(id: web::Path<u64>) -> String {
    String::new()
}

#[instrument_metrics]
#[deny(unused_variables)]
#[get("/denied")]
async fn denied(id: web::Path<u64>) -> String {
    String::new()
}

#[instrument_metrics]
#[expect(unused_variables)]
async fn expected(id: web::Path<u64>) -> String {
    String::new()
}

#[instrument_metrics]
#[expect(unused_variables)]
async fn expected_in_vain(id: web::Path<u64>) -> String {
    id.to_string()
}

pub fn routes(config: &mut web::ServiceConfig) {
    config
        .service(allowed)
        .service(denied)
        .route("/e", web::get().to(expected))
        .route("/v", web::get().to(expected_in_vain));
}
