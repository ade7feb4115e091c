//! What people were told, counted.

use latchkey_core::notice::{Left, NoticeKind};

use super::world::World;

/// What a notice says, without its instants.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Says {
    Offline(Left),
    Final(Left),
    Ended(u32),
    Connected,
    MustStop(u16),
    Outage,
}

pub(crate) fn said(world: &World) -> Vec<(String, Says)> {
    let says = |kind: &NoticeKind| match kind {
        NoticeKind::Offline { left, .. } => Says::Offline(*left),
        NoticeKind::FinalWarning { left, .. } => Says::Final(*left),
        NoticeKind::Ended { days, .. } => Says::Ended(*days),
        NoticeKind::Connected { .. } => Says::Connected,
        NoticeKind::MustStop { code, .. } => Says::MustStop(*code),
        NoticeKind::Outage => Says::Outage,
        _ => panic!("a new kind of notice: {kind:?}"),
    };
    let shown = world.shown.iter();
    shown
        .map(|shown| (shown.notice.product.clone(), says(&shown.notice.kind)))
        .collect()
}
