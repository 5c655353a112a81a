//! Waking the lines of pools.

use fairleader_lead::id::PoolId;

use crate::command::SCHEMA;
use crate::{Outgoing, Queue, RouteCommand, SendError};

/// Has `route` look at the leads in the lines of `pools`: there may be room now. `group` says who asks.
pub async fn wake(route: &Queue, pools: impl IntoIterator<Item = PoolId>, group: &str) -> Result<(), SendError> {
    let messages = pools
        .into_iter()
        .map(|pool| Outgoing::new(&RouteCommand::WakePool { schema: SCHEMA, pool }, Some(group)))
        .collect::<Result<_, _>>()?;
    route.send_all(messages).await
}
