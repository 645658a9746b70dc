//! Reads the backup sets of tenants and the pieces of their logs. Both views grow every day: tenants are read in groups, a group
//! that exceeds a limit tenant by tenant, and pieces only of the rounds that a set can still need.

use std::collections::{BTreeMap, BTreeSet};

use super::OceanBase;
use super::parse::by_tenant;
use super::release_profile::{TENANT_ID, ViewId};
use super::rows;
use super::session::{Failure, Row, number};
use super::view_reader::{Filter, FilterValue};
use crate::domain::facts::Known;
use crate::domain::fault::Fault;
use crate::domain::restorable::{BackupSet, Piece, Round, rounds_needed};
use crate::domain::time_zone::ServerTimeZone;

/// Tenants per query: a year of their daily backups is below half of the row limit of a result.
const TENANTS_PER_QUERY: usize = 250;

/// A tenant's id and its archive rounds.
type OfTenant<'a> = (u64, &'a [Round]);

/// The media of tenants, by tenant id.
type ByTenant = BTreeMap<u64, SetsAndPieces>;

/// The sets and pieces that a tenant can be restored from.
#[derive(Debug, Clone)]
pub(super) struct SetsAndPieces {
    /// Its backup sets.
    pub(super) sets: Vec<BackupSet>,
    /// The pieces of the rounds that the sets can need.
    pub(super) pieces: Known<Option<Vec<Piece>>>,
}

impl SetsAndPieces {
    /// Returns the value for sys and meta tenants, which have no sets and are not queried.
    pub(super) fn for_non_user_tenant() -> Self {
        Self { sets: Vec::new(), pieces: Known::NotChecked("only user tenants have backup sets".to_owned()) }
    }
}

impl OceanBase {
    /// Reads the sets of tenants with these rounds, and the pieces that they can need, by tenant.
    ///
    /// # Errors
    /// The sets cannot be read.
    pub(super) async fn media(&mut self, tenants: &[OfTenant<'_>], zone: &ServerTimeZone) -> Result<ByTenant, Fault> {
        let mut media = BTreeMap::new();
        for group in tenants.chunks(TENANTS_PER_QUERY) {
            let read = match self.media_of(group, zone).await {
                Err(failure) if failure.oversized && group.len() > 1 => self.media_one_by_one(group, zone).await?,
                read => read.map_err(|failure| failure.fault)?,
            };
            media.extend(read);
        }
        Ok(media)
    }

    /// Reads the media of tenants with queries of their own, so that one tenant's rows beyond the limit hide no other's.
    async fn media_one_by_one(&mut self, tenants: &[OfTenant<'_>], zone: &ServerTimeZone) -> Result<ByTenant, Fault> {
        // The result beyond the limit closed the connection.
        self.ensure_session().await?;
        let mut media = BTreeMap::new();
        for tenant in tenants.chunks(1) {
            media.extend(self.media_of(tenant, zone).await.map_err(|failure| failure.fault)?);
        }
        Ok(media)
    }

    /// Reads the media of tenants together.
    ///
    /// # Errors
    /// The sets cannot be read; or the pieces of several tenants are more than is read.
    async fn media_of(&mut self, tenants: &[OfTenant<'_>], zone: &ServerTimeZone) -> Result<ByTenant, Failure> {
        let version = self.version().map_err(Failure::refused)?;
        let own = (TENANT_ID, tenants.iter().map(|(id, _)| FilterValue::Number(*id)).collect());
        let rows = self.try_read_view(ViewId::Sets, std::slice::from_ref(&own), "BACKUP_SET_ID").await?;
        let rows = by_tenant(rows).map_err(Failure::refused)?;
        let mut sets: BTreeMap<u64, Vec<BackupSet>> = BTreeMap::new();
        for (id, _) in tenants {
            let own = rows.get(id).into_iter().flatten();
            let own = own.map(|row| rows::set(row, &version, zone)).collect::<Result<_, _>>();
            sets.insert(*id, own.map_err(Failure::refused)?);
        }
        let needed: Option<BTreeSet<u64>> = tenants
            .iter()
            .map(|(id, rounds)| rounds_needed(sets.get(id).map_or(&[][..], Vec::as_slice), rounds))
            .try_fold(BTreeSet::new(), |all, of_one| Some(all.into_iter().chain(of_one?).collect()));
        let needed = needed.map(|ids| ("ROUND_ID", ids.into_iter().map(FilterValue::Number).collect()));
        let filters: Vec<Filter<'_>> = std::iter::once(own).chain(needed).collect();
        let rows = match self.try_read_view(ViewId::ArchivePieces, &filters, "ROUND_ID, PIECE_ID").await {
            Err(failure) if failure.oversized && tenants.len() > 1 => return Err(failure),
            Err(failure) if failure.oversized => {
                self.ensure_session().await.map_err(Failure::lost)?;
                Err(failure.fault)
            }
            rows => rows.map_err(|failure| failure.fault).and_then(by_tenant),
        };
        let mut media = BTreeMap::new();
        for (id, sets) in sets {
            let pieces = match &rows {
                Ok(rows) => {
                    let own = rows.get(&id).into_iter().flatten().map(rows::piece).collect::<Result<_, _>>();
                    Known::Known(Some(own.map_err(Failure::refused)?))
                }
                Err(fault) => Known::NotChecked(fault.why.clone()),
            };
            media.insert(id, SetsAndPieces { sets, pieces });
        }
        Ok(media)
    }
}

/// Returns the rows of one tenant only, whatever the server listed.
pub(super) fn rows_of_tenant(tenant: u64, mut rows: Vec<Row>) -> Vec<Row> {
    rows.retain(|row| number(row, TENANT_ID) == Some(tenant));
    rows
}
