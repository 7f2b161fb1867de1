//! `hallpass serve` reads its logo again at SIGHUP: the next page names it by its new content, a page of
//! before still gets a picture, and a file that is no picture changes nothing.

use reqwest::Response;

use crate::production::{Database, Production};

async fn get(server: &Production, path: &str) -> Response {
    let answer = reqwest::get(format!("{}{path}", server.url)).await;
    answer.unwrap()
}

/// Where the sign-in page finds its picture and its style.
async fn files(server: &Production) -> [String; 2] {
    let page = get(server, "/login").await.text().await.unwrap();
    let named = |start: &str, end: &str| {
        let (_, rest) = page.split_once(start).unwrap();
        rest.split(end).next().unwrap().to_owned()
    };
    let icon = named("<link rel=\"icon\"", ">");
    let icon = icon.split("href=\"").nth(1).unwrap().trim_end_matches('"');
    [
        icon.to_owned(),
        named("<link rel=\"stylesheet\" href=\"", "\""),
    ]
}

fn drawn(color: &str) -> String {
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\"><path fill=\"{color}\" d=\"M0 0h9v9z\"/></svg>"
    )
}

async fn reload(server: &Production, until: &str) -> String {
    let heard = server.log().len();
    server.signal("HUP");
    server.wait_for_log(heard, until).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sighup_reads_the_logo_and_the_accent_again() {
    let mut server = Production::start(Database::File, &[]);
    let before = server.settings();
    let [mark, style] = files(&server).await;
    assert!(mark.starts_with("/static/mark-"), "{mark}");

    // A logo and an accent, with the next page.
    server.home.write("logo.svg", &drawn("red"));
    let branding = "[branding]\nlogo = \"logo.svg\"\naccent = \"#ffe100\"\n";
    server.configure(&format!("{before}{branding}"));
    reload(&server, "config.loaded").await;
    let [red, tinted] = files(&server).await;
    assert_eq!(get(&server, &red).await.text().await.unwrap(), drawn("red"));
    assert_ne!(tinted, style);
    let css = get(&server, &tinted).await.text().await.unwrap();
    assert!(css.contains("--accent: #ffe100;"));
    // A page that was made before comes with a style all the same.
    for old in [&mark, &style] {
        let answer = get(&server, old).await;
        assert_eq!(answer.status(), 200, "{old}");
        assert_eq!(answer.headers()["cache-control"], "no-store", "{old}");
    }

    // Another picture under the same name: the address says that it is another one.
    server.home.write("logo.svg", &drawn("blue"));
    assert_eq!(files(&server).await, [red.clone(), tinted.clone()]);
    reload(&server, "config.loaded").await;
    let [blue, _] = files(&server).await;
    assert_ne!(blue, red);
    assert_eq!(
        get(&server, &blue).await.text().await.unwrap(),
        drawn("blue")
    );

    // What is no picture is named, and all stays as it was.
    server
        .home
        .write("logo.svg", "<!doctype html><title>no picture</title>");
    let said = reload(&server, "config.refused").await;
    assert!(
        said.contains("logo.svg") && said.contains("neither an SVG nor a PNG"),
        "{said}"
    );
    assert_eq!(files(&server).await, [blue, tinted]);

    server.signal("TERM");
    assert_eq!(server.end().code(), Some(0), "{}", server.log());
}
