struct Memos;

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

    #[cfg(any())]
    pub async fn absent() -> String {
        Self::unknown()
    }
}

pub fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/e", web::get().to(Memos::expected))
        .route("/a", web::get().to(Memos::allowed))
        .route("/o", web::get().to(Memos::old));
}
