#[instrument_metrics]
async fn GetMemo(Id: web::Path<u64>) -> String {
    Id.to_string()
}

struct Memos;

#[instrument_metrics]
impl Memos {
    pub async fn GetMemo(Id: web::Path<u64>) -> String {
        Self::text(*Id)
    }

    fn text(number: u64) -> String {
        number.to_string()
    }
}

pub fn routes(config: &mut web::ServiceConfig) {
    config.route("/", web::get().to(GetMemo)).route("/m", web::get().to(Memos::GetMemo));
}
