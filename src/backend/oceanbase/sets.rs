//! The sets of a tenant and the pieces of its log. Both views grow with every day of a site: each tenant is an answer of its own,
//! and of the pieces those of the rounds that a set can still need.

use super::OceanBase;
use super::line::{TENANT_ID, ViewId};
use super::read::{Filter, Is};
use super::rows;
use super::session::{Row, number};
use crate::domain::facts::Known;
use crate::domain::fault::Fault;
use crate::domain::restorable::{BackupSet, Piece, Round, rounds_needed};
use crate::domain::time_zone::ServerTimeZone;

/// What a tenant could be restored from.
#[derive(Debug, Clone)]
pub(super) struct Media {
    /// Its sets.
    pub(super) sets: Vec<BackupSet>,
    /// The pieces of the rounds that they can need.
    pub(super) pieces: Known<Vec<Piece>>,
}

impl Media {
    /// That of sys and of a meta tenant, which are not asked about: only user tenants have sets.
    pub(super) fn of_no_user() -> Self {
        Self { sets: Vec::new(), pieces: Known::NotChecked("only user tenants have backup sets".to_owned()) }
    }
}

impl OceanBase {
    /// The sets of a tenant with these rounds, and the pieces that they can need.
    ///
    /// # Errors
    /// The sets cannot be read.
    pub(super) async fn media(&mut self, tenant: u64, rounds: &[Round], zone: &ServerTimeZone) -> Result<Media, Fault> {
        let version = self.version()?;
        let rows = self.tenants_rows(tenant, ViewId::Sets, Vec::new(), "BACKUP_SET_ID").await?;
        let sets: Vec<BackupSet> = rows.iter().map(|row| rows::set(row, &version, zone)).collect::<Result<_, _>>()?;
        let needed = rounds_needed(&sets, rounds);
        let needed = needed.map(|ids| ("ROUND_ID", ids.into_iter().map(Is::Number).collect()));
        let rows =
            self.tenants_rows(tenant, ViewId::ArchivePieces, needed.into_iter().collect(), "ROUND_ID, PIECE_ID").await;
        let pieces = match rows {
            Ok(rows) => Known::Known(rows.iter().map(rows::piece).collect::<Result<_, _>>()?),
            Err(fault) => Known::NotChecked(fault.why),
        };
        Ok(Media { sets, pieces })
    }

    /// The rows of a view that are of one tenant.
    ///
    /// # Errors
    /// The view cannot be read.
    pub(super) async fn tenants_rows(
        &mut self,
        tenant: u64,
        id: ViewId,
        more: Vec<Filter<'_>>,
        order: &str,
    ) -> Result<Vec<Row>, Fault> {
        let own = (TENANT_ID, vec![Is::Number(tenant)]);
        let filters: Vec<Filter<'_>> = std::iter::once(own).chain(more).collect();
        let mut rows = self.read(id, &filters, order).await?;
        // What a server lists beside what it was asked for is of somebody else.
        rows.retain(|row| number(row, TENANT_ID) == Some(tenant));
        Ok(rows)
    }
}
