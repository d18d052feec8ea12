struct Answer;

impl actix_web::Responder for Answer {
    type Body = actix_web::body::BoxBody;
    fn respond_to(self, _: &actix_web::HttpRequest) -> actix_web::HttpResponse {
        actix_web::HttpResponse::Ok().finish()
    }
}

#[instrument_metrics]
pub async fn handler(id: web::Path<u64>) -> Answer {
    let () = *id;
    Answer
}
