//! Follows what the nodes of one PostgreSQL database revoke.
//!
//! A look asks for the rows that its snapshot sees and the snapshot of the look before did not:
//! transactions may commit in any order and after any delay, none is skipped. A notification says
//! that there is something to see; without one there is a look every quarter of a second. The same
//! connection hears of device codes that were decided (`device_news.rs`).
//!
//! <https://www.postgresql.org/docs/current/functions-info.html#FUNCTIONS-INFO-SNAPSHOT>

use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

use hallpass_protocol::AuthorizationId;
use tokio::runtime::Builder;
use tokio::sync::{Notify, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_postgres::types::ToSql;
use tokio_postgres::{AsyncMessage, Client, Statement};

use crate::database::postgres::describe;
use crate::database::{Context, Transaction};
use crate::error::StoreError;
use crate::postgres_url::PostgresUrl;
use crate::revocation_watch::{LEASE, Moment, RevocationWatch, Revoked};

/// Follows the feed until `stop` says so or its sender is gone. `ready` hears of the first look, or
/// why there was none.
pub(crate) fn run(
    url: &PostgresUrl,
    context: &Context,
    mut stop: watch::Receiver<bool>,
    ready: oneshot::Sender<Result<(), StoreError>>,
) {
    let runtime = match Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            let error = StoreError::Unavailable(format!("no event loop: {error}"));
            // Nobody may be waiting any more.
            return drop(ready.send(Err(error)));
        }
    };
    let mut ready = Some(ready);
    let revocations = &context.revocations;
    let follow = async {
        loop {
            let Err(error) = follow(url, context, &mut ready).await;
            if let Some(ready) = ready.take() {
                return drop(ready.send(Err(error)));
            }
            tracing::warn!(%error, "the revocations of other nodes are not heard of");
            tokio::select! {
                () = sleep(PERIOD) => {}
                () = revocations.wanted.notified() => sleep(BREATH).await,
            }
        }
    };
    runtime.block_on(async {
        tokio::select! {
            // An error says that nobody is left to stop it.
            _ = stop.wait_for(|stops| *stops) => {}
            () = follow => {}
        }
    });
}

/// Follows the feed on one connection, as long as that is good.
async fn follow(
    url: &PostgresUrl,
    context: &Context,
    ready: &mut Option<oneshot::Sender<Result<(), StoreError>>>,
) -> Result<std::convert::Infallible, StoreError> {
    // Ends with this function.
    let mut connection = JoinSet::new();
    let revocations = &context.revocations;
    let news = Arc::new(Notify::new());
    let heard = {
        let (news, of_devices) = (Arc::clone(&news), context.device_news.clone());
        move |payload: &str| {
            if !of_devices.take(payload) {
                news.notify_one();
            }
        }
    };
    let opened = timeout(CONNECT_TIMEOUT, Feed::open(url, &mut connection, heard));
    let mut feed = opened.await.map_err(|_| silent())??;
    let mut last = feed.look(revocations).await?;
    loop {
        if let Some(ready) = ready.take() {
            // Nobody may be waiting any more.
            drop(ready.send(Ok(())));
        }
        tokio::select! {
            () = sleep(PERIOD) => {}
            () = news.notified() => {}
            () = revocations.wanted.notified() => {}
        }
        let began = feed.look(revocations).await?;
        if began.since(last) >= LEASE {
            // Whoever sleeps so long may have missed rows that are gone already.
            revocations.forget_beliefs();
        }
        last = began;
        // Many notifications are one piece of news.
        sleep(BREATH).await;
    }
}

/// A connection that looks again and again.
struct Feed {
    client: Client,
    look: Statement,
    /// What the last look could see; none at first.
    seen: Option<String>,
}

impl Feed {
    async fn open(
        url: &PostgresUrl,
        connections: &mut JoinSet<()>,
        heard: impl Fn(&str) + Send + 'static,
    ) -> Result<Self, StoreError> {
        let mut config = url.config.clone();
        config.application_name("hallpass revocations");
        let opened = config.connect(url.tls.clone()).await;
        let (client, mut connection) = opened.map_err(failed)?;
        connections.spawn(async move {
            // The end shows at the next look.
            while let Some(Ok(message)) = poll_fn(|cx| connection.poll_message(cx)).await {
                if let AsyncMessage::Notification(notification) = message {
                    heard(notification.payload());
                }
            }
        });
        client.batch_execute(SETTINGS).await.map_err(failed)?;
        let standby = client.query_one("SELECT pg_is_in_recovery()", &[]).await;
        if standby.map_err(failed)?.get(0) {
            let text = "this PostgreSQL is a standby, which hears of revocations too late";
            return Err(StoreError::Unavailable(text.to_owned()));
        }
        let look = client.prepare(LOOK).await.map_err(failed)?;
        Ok(Self {
            client,
            look,
            seen: None,
        })
    }

    /// Looks once; when that began.
    async fn look(&mut self, revocations: &RevocationWatch) -> Result<Moment, StoreError> {
        let began = Moment::present();
        let parameters: [&(dyn ToSql + Sync); 1] = [&self.seen];
        let asked = self.client.query(&self.look, &parameters);
        // A later answer would be of no use.
        let answered = timeout(LEASE, asked).await.map_err(|_| silent())?;
        let rows = answered.map_err(failed)?;
        let snapshot: Option<String> = rows.first().and_then(|row| row.try_get(0).ok());
        let is_first = self.seen.is_none();
        self.seen = Some(snapshot.ok_or_else(unreadable)?);
        if is_first {
            // What was seen to live before may have been revoked while nobody looked.
            revocations.forget_beliefs();
        } else {
            let revoked: Result<Vec<_>, _> = rows.iter().filter_map(revoked).collect();
            revocations.learn(revoked?);
        }
        revocations.renew(began);
        Ok(began)
    }
}

/// What a row says; a look that finds nothing has one row that says nothing.
fn revoked(row: &tokio_postgres::Row) -> Option<Result<Revoked, StoreError>> {
    let read = || -> Result<Option<Revoked>, tokio_postgres::Error> {
        let id: Option<&[u8]> = row.try_get(1)?;
        let (issuer, jti): (Option<String>, Option<String>) = (row.try_get(2)?, row.try_get(3)?);
        let id = id.map(|bytes| <[u8; 16]>::try_from(bytes).ok());
        Ok(match (id, issuer.zip(jti)) {
            (Some(Some(id)), _) => Some(Revoked::Authorization(AuthorizationId::from_bytes(id))),
            // An id that is none of ours: nobody knows what ended.
            (Some(None), _) => Some(Revoked::Everything),
            (None, Some((issuer, jti))) => Some(Revoked::Token { issuer, jti }),
            (None, None) => None,
        })
    };
    read().map_err(|_| unreadable()).transpose()
}

/// Removes the rows that every node has seen: those that a snapshot of the round before could see.
/// Answers the snapshot of this round, if there is a feed.
pub(crate) fn purge(
    tx: &Transaction<'_>,
    before: Option<&str>,
) -> Result<Option<String>, StoreError> {
    if !tx.is_remote() {
        return Ok(None);
    }
    if let Some(before) = before {
        tx.run(
            "DELETE FROM revocation_feed WHERE pg_visible_in_snapshot(xid, $1::text::pg_snapshot)",
            &[&before],
        )?;
    }
    let snapshot = tx.list("SELECT pg_current_snapshot()::text", &[], |row| {
        let snapshot: String = row.take()?;
        Ok(snapshot)
    })?;
    Ok(snapshot.into_iter().next())
}

#[expect(clippy::needless_pass_by_value, reason = "it stands in `map_err`")]
fn failed(error: tokio_postgres::Error) -> StoreError {
    StoreError::Unavailable(describe(&error))
}

fn silent() -> StoreError {
    StoreError::Unavailable("PostgreSQL does not answer".to_owned())
}

fn unreadable() -> StoreError {
    StoreError::Corrupt("a row of `revocation_feed`".to_owned())
}

/// How often there is a look without any news.
const PERIOD: Duration = Duration::from_millis(250);
/// Between two looks, however much news there is.
const BREATH: Duration = Duration::from_millis(10);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
const SETTINGS: &str = "SET statement_timeout = '1s'; SET lock_timeout = '1s'; \
     SET default_transaction_isolation = 'read committed'; LISTEN hallpass";
/// `$1` is the snapshot of the look before. The first one has none, and wants no rows.
const LOOK: &str = "SELECT pg_current_snapshot()::text, feed.authorization_id, feed.issuer, feed.jti \
     FROM (VALUES (1)) AS one LEFT JOIN revocation_feed AS feed \
     ON feed.xid >= pg_snapshot_xmin($1::text::pg_snapshot) \
     AND NOT pg_visible_in_snapshot(feed.xid, $1::text::pg_snapshot)";
