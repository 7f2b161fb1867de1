//! Somebody with a browser, for tests: signs in as `ada` and agrees to everything.

use reqwest::header::{CONTENT_TYPE, COOKIE, LOCATION, ORIGIN, SET_COOKIE};
use reqwest::redirect::Policy;
use url::Url;

use crate::cookies::Cookies;
use crate::html_form::Page;

/// Opens an address and does what the pages ask for, until the program has its answer.
pub(crate) fn sign_in(address: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(browse(Url::parse(address).unwrap()));
}

async fn browse(mut at: Url) {
    let client = reqwest::Client::builder()
        .redirect(Policy::none())
        .no_proxy()
        .build()
        .unwrap();
    let home = at.origin();
    let mut cookies = Cookies::default();
    let mut body: Option<String> = None;
    for _ in 0..12 {
        let mut request = match body.take() {
            None => client.get(at.clone()),
            Some(body) => client
                .post(at.clone())
                .header(ORIGIN, "null")
                .header("sec-fetch-site", "same-origin")
                .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body(body),
        };
        if let Some(known) = cookies.header(&at) {
            request = request.header(COOKIE, known);
        }
        let answer = request.send().await.unwrap();
        for cookie in answer.headers().get_all(SET_COOKIE) {
            cookies.keep(&at, cookie.to_str().unwrap());
        }
        if let Some(next) = answer.headers().get(LOCATION) {
            at = at.join(next.to_str().unwrap()).unwrap();
            continue;
        }
        let (status, html) = (answer.status(), answer.text().await.unwrap());
        assert_eq!(status, 200, "{at}: {html}");
        if at.origin() != home {
            return;
        }
        let page = Page::parse(&html);
        let (form, done) = match page.form_with_text("username") {
            Some(form) => (form, ("username", "ada")),
            None => (
                page.form_with_button("action", "continue").unwrap(),
                ("action", "continue"),
            ),
        };
        body = Some(form.submit(&[done]));
        at = at.join(&form.action).unwrap();
    }
    panic!("the pages lead in a circle");
}
