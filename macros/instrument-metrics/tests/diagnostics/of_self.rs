struct Memos;

#[instrument_metrics]
impl Memos {
    const COUNT: u64 = 7;

    pub async fn wrong_type(id: web::Path<u64>) -> String {
        let number: u64 = Self::text();
        format!("{id} {number}")
    }

    pub async fn unknown() -> String {
        Self::unknown_to_all()
    }

    pub async fn unused(id: web::Path<u64>) -> String {
        let unread = Self::COUNT;
        String::new()
    }

    pub async fn moved(text: String) -> String {
        drop((text, Self::COUNT));
        text
    }

    fn text() -> &'static str {
        "seven"
    }
}

pub fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/w", web::get().to(Memos::wrong_type))
        .route("/u", web::get().to(Memos::unknown))
        .route("/n", web::get().to(Memos::unused))
        .route("/m", web::get().to(Memos::moved));
}
