//! Row C-68 against the real server: a person approves by loopback and by device code at the same time.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use hallpass_client::flow::{Environment, Platform, Sign};
use hallpass_client::{
    BoxFuture, Client, Clock, DpopMode, MemoryStore, Prompt, SignIn, Timer, Timestamp, Ui, UiCaps,
    UiOutcome,
};
use hallpass_testing::server::settings;
use hallpass_testing::{Person, TestClock, TestServer};
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use url::Url;

const ROUNDS: usize = 100;
/// A second of the sign-in takes this long.
const SECOND: Duration = Duration::from_millis(5);

/// Everything that the server said, as it went over the wire.
#[derive(Clone)]
struct Wire {
    url: String,
    said: Arc<Mutex<Vec<u8>>>,
}

impl Wire {
    async fn to(server: &TestServer) -> Self {
        let target = Url::parse(&server.url("/")).unwrap();
        let target = (
            target.host_str().unwrap().to_owned(),
            target.port().unwrap(),
        );
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let said: Arc<Mutex<Vec<u8>>> = Arc::default();
        let kept = Arc::clone(&said);
        tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                let there = TcpStream::connect((target.0.as_str(), target.1))
                    .await
                    .unwrap();
                tokio::spawn(carry(client, there, Arc::clone(&kept)));
            }
        });
        Self { url, said }
    }

    /// Whether introspection calls a token active (RFC 7662).
    async fn is_active(&self, token: &str) -> bool {
        let person = Person::new(&self.url);
        let request = person
            .http()
            .post(format!("{}/default/introspect", self.url));
        let request = request
            .basic_auth("rs", Some("s"))
            .form(&[("token", token)]);
        person.send(request).await.json()["active"]
            .as_bool()
            .unwrap()
    }

    /// Whether a refresh token still brings tokens.
    async fn refreshes(&self, token: &str) -> bool {
        let person = Person::new(&self.url);
        let form = [
            ("grant_type", "refresh_token"),
            ("client_id", "acme-cli"),
            ("refresh_token", token),
        ];
        let request = person
            .http()
            .post(format!("{}/default/token", self.url))
            .form(&form);
        person.send(request).await.status == 200
    }

    /// The refresh tokens that went out since the last look.
    fn refresh_tokens(&self) -> Vec<String> {
        let said = std::mem::take(&mut *self.said.lock().unwrap());
        let text = String::from_utf8_lossy(&said).into_owned();
        let found = text.split("\"refresh_token\":\"").skip(1);
        found
            .map(|rest| rest.split('"').next().unwrap().to_owned())
            .collect()
    }
}

async fn carry(mut client: TcpStream, mut there: TcpStream, kept: Arc<Mutex<Vec<u8>>>) {
    let (mut from_client, mut to_client) = client.split();
    let (from_there, mut to_there) = there.split();
    let up = tokio::io::copy(&mut from_client, &mut to_there);
    let down = async {
        let mut chunk = [0; 4096];
        loop {
            from_there.readable().await?;
            match from_there.try_read(&mut chunk) {
                Ok(0) => return to_client.shutdown().await,
                Ok(read) => {
                    kept.lock().unwrap().extend_from_slice(&chunk[..read]);
                    to_client.write_all(&chunk[..read]).await?;
                }
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
    };
    // Either end may hang up.
    tokio::select! {
        _ = up => {}
        _ = down => {}
    }
}

/// Approves both ways as soon as both are shown.
#[derive(Clone)]
struct Ada {
    server: String,
    clock: Arc<TestClock>,
    began: tokio::time::Instant,
    /// How much later than the device the browser comes back.
    lag: Duration,
    user_code: Arc<Mutex<Option<String>>>,
    hands: Arc<Mutex<Vec<JoinHandle<()>>>>,
}

impl std::fmt::Debug for Ada {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Ada")
    }
}

impl Ada {
    async fn approve_both(self, url: Url) {
        let code = self.user_code.lock().unwrap().clone().unwrap();
        let (at_device, at_browser) = (Person::new(&self.server), Person::new(&self.server));
        // Everything but the last click is done before.
        let confirm = at_device.enter_code(&code, "ada").await;
        let page = at_browser.open(url.as_str()).await;
        let answer = at_browser.submit(&page, &[("username", "ada")]).await;
        let callback = Url::parse(answer.header("location")).unwrap();
        let device = async {
            at_device
                .submit(&confirm, hallpass_testing::person::APPROVE)
                .await;
        };
        let browser = async {
            tokio::time::sleep(self.lag).await;
            // The port may be closed already, when the device has won.
            let Ok(moved) = at_browser.http().get(callback.clone()).send().await else {
                return;
            };
            let next = moved
                .headers()
                .get("location")
                .map(|next| next.to_str().unwrap().to_owned());
            if let Some(next) = next {
                let last = at_browser.http().get(callback.join(&next).unwrap());
                drop(last.send().await);
            }
        };
        tokio::join!(device, browser);
    }
}

impl Ui for Ada {
    fn show<'a>(&'a self, prompt: &'a Prompt) -> BoxFuture<'a, UiOutcome> {
        match prompt {
            Prompt::DeviceCode { user_code, .. } => {
                *self.user_code.lock().unwrap() = Some(user_code.clone());
            }
            Prompt::OpenUrl { url, .. } => {
                let hand = tokio::spawn(self.clone().approve_both(url.clone()));
                self.hands.lock().unwrap().push(hand);
            }
            _ => {}
        }
        Box::pin(std::future::ready(UiOutcome::Shown))
    }

    fn capabilities(&self) -> UiCaps {
        UiCaps { interactive: true }
    }
}

impl Clock for Ada {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

impl Timer for Ada {
    fn elapsed(&self) -> Duration {
        let spent = self.began.elapsed().as_micros() / SECOND.as_micros().max(1);
        Duration::from_secs(u64::try_from(spent).unwrap())
    }

    /// The server's time passes with the client's: it is asked no more often than it wishes.
    fn sleep(&self, span: Duration) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let seconds = u32::try_from(span.as_secs()).unwrap().max(1);
            tokio::time::sleep(SECOND * seconds).await;
            self.clock.advance(span);
        })
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c_68_two_approvals_within_ten_milliseconds_make_one_session_and_one_live_family() {
    let toml = "[device]\ninterval = \"1s\"\n[ttl]\ndevice = \"30m\"\n";
    let server = TestServer::start(settings(toml, false)).await;
    let wire = Wire::to(&server).await;
    let (mut by_both, mut rounds) = (0, 0);
    for round in 0..ROUNDS {
        let ada = Ada {
            server: wire.url.clone(),
            clock: Arc::clone(&server.clock),
            began: tokio::time::Instant::now(),
            lag: Duration::from_micros(u64::try_from(round).unwrap() * 100),
            user_code: Arc::default(),
            hands: Arc::default(),
        };
        let environment = Environment {
            signs: [Sign::SshConnection].into(),
            platform: Platform::Unix,
        };
        let client = Client::builder(format!("{}/default", wire.url), "acme-cli")
            .scopes(["openid", "offline_access"])
            .store(MemoryStore::new())
            // The check below sends refresh tokens without proofs.
            .dpop(DpopMode::Off)
            .environment(environment)
            .ui(ada.clone())
            .timer(ada.clone())
            .clock(ada.clone())
            .build()
            .unwrap();
        let how = SignIn::auto()
            .callback_port(0)
            .timeout(Duration::from_hours(1));
        let session = client.sign_in(how).await.unwrap();
        let hands = std::mem::take(&mut *ada.hands.lock().unwrap());
        for hand in hands {
            hand.await.unwrap();
        }
        let issued = wire.refresh_tokens();
        let access = session.access_token().await.unwrap();
        assert!(
            wire.is_active(access.expose()).await,
            "round {round}: the stored one is live"
        );
        let mut live = 0;
        for token in &issued {
            live += usize::from(wire.refreshes(token).await);
        }
        assert_eq!(live, 1, "round {round}: {} issued", issued.len());
        // Those of the check itself.
        wire.refresh_tokens();
        assert!(client.session().await.unwrap().is_some());
        by_both += usize::from(issued.len() > 1);
        rounds += 1;
    }
    assert_eq!(rounds, ROUNDS);
    println!("tokens came by both ways in {by_both} of {rounds} rounds");
}
