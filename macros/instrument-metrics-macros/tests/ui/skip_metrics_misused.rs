use instrument_metrics_macros::instrument_metrics;

struct Users;

#[instrument_metrics]
impl Users {
    #[skip_metrics(heap)]
    async fn one() -> &'static str {
        "user"
    }

    #[skip_metrics]
    #[instrument_metrics(name = "list")]
    async fn list() -> &'static str {
        "users"
    }
}

fn main() {
    let _ = (Users::one(), Users::list());
}
