struct Memos;
struct Hidden;

impl actix_web::Responder for Hidden {
    type Body = actix_web::body::BoxBody;
    fn respond_to(self, _: &actix_web::HttpRequest) -> actix_web::HttpResponse {
        actix_web::HttpResponse::Ok().finish()
    }
}

#[instrument_metrics]
impl Memos {
    const COUNT: u64 = 7;

    #[expect(unused_variables)]
    pub async fn expected(id: web::Path<u64>) -> String {
        Self::COUNT.to_string()
    }

    #[allow(unused_mut)]
    pub async fn allowed(mut id: web::Path<u64>) -> String {
        let unread = Self::COUNT;
        id.to_string()
    }

    #[deprecated = "gone soon"]
    pub async fn old() -> String {
        Self::COUNT.to_string()
    }

    #[cfg_attr(all(), deprecated = "gone soon, too")]
    #[cfg_attr(all(), expect(unused_variables))]
    pub async fn conditional(id: web::Path<u64>) -> String {
        Self::COUNT.to_string()
    }

    #[cfg(any())]
    pub async fn absent() -> String {
        Self::unknown()
    }

    #[expect(dead_code, reason = "nobody calls it")]
    async fn dead() -> String {
        Self::COUNT.to_string()
    }

    #[expect(unused_variables, dead_code)]
    async fn dead_and_unused(id: web::Path<u64>) -> String {
        Self::COUNT.to_string()
    }

    #[expect(non_snake_case)]
    pub async fn Loud() -> String {
        Self::COUNT.to_string()
    }

    #[expect(dead_code)]
    pub async fn expected_in_vain() -> String {
        Self::COUNT.to_string()
    }

    async fn really_dead() -> Hidden {
        let _ = Self::COUNT;
        Hidden
    }
}

pub fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/e", web::get().to(Memos::expected))
        .route("/a", web::get().to(Memos::allowed))
        .route("/o", web::get().to(Memos::old))
        .route("/c", web::get().to(Memos::conditional))
        .route("/l", web::get().to(Memos::Loud))
        .route("/v", web::get().to(Memos::expected_in_vain));
}
