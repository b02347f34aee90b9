package table

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"roster/internal/id"
)

// Key addresses one item.
type Key struct {
	PK string `dynamodbav:"pk"`
	SK string `dynamodbav:"sk"`
}

// Every key of the table, by what it holds. The collections:
//
//	O#<org>             ORG                the organization: settings, status, number of owners
//	                    R#<role>           a role of its own, and how many members have it
//	                    T#<team>           a team, and how many members are in it
//	                    TN#<name>          the team that has that name
//	                    BL                 the billing settings
//	                    PR                 which version of the organization's prices is in force
//	                    PL                 the limits of its teams and its own
//	M#<org>#<user>      LA                 the member: role, status, keys; sorts after its months
//	                    L#<yyyy-mm>        the member's counters of one month
//	                    N#<time>#<version>  the member's metadata until a change; sorts after the member
//	                    T#<yyyy-mm>        the same of test keys; sorts after the member, whom no call
//	                                       reads together with it
//	IV#<org>#<hash>     IV                 the invitation of one address
//	U#<user>            U                  the account
//	                    M#<org>            a membership of the account
//	                    S#<session>        a session
//	                    CN                 which personal connections there are
//	                    C#<connection>     a personal connection
//	                    CS#<connection>    its sealed credential
//	AD#<sha256>         AD                 the account that holds an address
//	E#<org>#<xx>        <event id>         a usage event by a reporter with usage:write, who share one
//	                                       space of ids; xx spreads an organization over 256 partitions
//	EO#<org>#<user>     <event id>         a usage event by a member without it, whose ids are their own:
//	                                       no id they choose takes that of anyone else's event
//	ET#<org>#<x>        <event id>         a usage event of a test key, by a reporter with usage:write
//	ETO#<org>#<user>    <event id>         one by a member without it
//	UL#<org>#<user>     <yyyy-mm-dd>#…     which events of a day a call reported of the member; package usage
//	                                       keeps them from the stream
//	US#<org>            <nn>               how far the chunks of a source of usage are
//	EB#<org>#<nn>       <sequence>         a chunk of a source: the events in it, packed
//	ST#<org>            <yyyy-mm>          a month's statement: how far its closing is, and its sums
//	SL#<org>#<yyyy-mm>  <user>             what that statement has of a member
//	                    R#<nnn>            some of its rows of teams and models
//	PR#<org>            <nnnnnnnnn>        a version of the organization's prices, which never changes
//	P#<org>#<yyyy-mm>   <nnn>              a lane of what the organization spends in a month
//	PT#<org>#<yyyy-mm>#<x>  <team>#<nnn>   a lane of what a team spends; x spreads an organization's teams
//	                                       over 16 partitions
//	LQ#<org>            open#<user>        what a member asks to spend
//	                    <status>#<request> a limit request that was approved or declined
//	AU#<org>#<yyyy-mm>  <audit id>         an audit event
//	OB#<x>              <outbox id>        a mail to be sent; x is one of OutboxShards
//	CN#<org>            C#<connection>     a connection of the organization
//	                    CS#<connection>    its sealed credential
//	JB#<org>            <job>              a job: what it is, and how far
//	JI#<job>            <nnnnn>            a part of its input
//	JR#<job>            <nnnnnnn>          what one of its rows came to
//	JC#<x>              <call id>          a call to run a job; x is one of JobShards
//	DU#<x>              <time>#<org>#<user>  when something about a membership changes by itself;
//	                                       x is one of DueShards
//	WA#<org>#<user>     <window>#<limit>   how far the warnings about a member's limit have gone;
//	                    <window>#<limit>#<key>  those about a key's
//	NE#<x>              <org>#<user>       a member who is near a limit; <org># alone: every member is to be
//	                                       looked at; <org>#pool#<team>: a pool; x is one of NearShards
//	IK#<sha256>         IK                 the answer given to an idempotency key
//	ML#<org>#<list>     <entry>            an entry of a list, which leads to an item; package arrange
//	                                       keeps the lists
//	TH#<what>           <window>           a throttle's counter
//	PF                  SETUP              the use of the set-up token
//	                    ST                 how far the closing of a month is in the list of organizations
//	                    RC                 how far the day's reconciliation is in it
func Organization(org id.Organization) Key { return Key{"O#" + string(org), "ORG"} }

// Role is keyed by its name: an organization has one role of a name.
func Role(org id.Organization, name string) Key { return Key{"O#" + string(org), RolePrefix + name} }

// RolePrefix begins the sort key of every role.
const RolePrefix = "R#"

func Team(org id.Organization, team id.Team) Key {
	return Key{"O#" + string(org), TeamPrefix + string(team)}
}

// TeamPrefix begins the sort key of every team.
const TeamPrefix = "T#"

// TeamName is keyed by the name, folded: an organization has one team of a name.
func TeamName(org id.Organization, folded string) Key {
	return Key{"O#" + string(org), "TN#" + folded}
}

func Member(org id.Organization, user id.User) Key {
	return Key{"M#" + string(org) + "#" + string(user), "LA"}
}

// Member returns whose item it is, if the key is one of a member's collection.
func (k Key) Member() (org id.Organization, user id.User, ok bool) {
	rest, isMember := strings.CutPrefix(k.PK, "M#")
	o, u, ok := strings.Cut(rest, "#")
	if !isMember || !ok {
		return "", "", false
	}
	return id.Organization(o), id.User(u), true
}

// Month returns whose counters of which month the key holds, if it is a MemberMonth.
func (k Key) Month() (org id.Organization, user id.User, month string, ok bool) {
	month, isMonth := strings.CutPrefix(k.SK, "L#")
	org, user, ok = k.Member()
	return org, user, month, ok && isMonth
}

// MetadataBefore holds a member's metadata as they were until a change, which made that
// version of the member. No call reads it together with the member.
func MetadataBefore(org id.Organization, user id.User, until time.Time, version int) Key {
	return Key{Member(org, user).PK, fmt.Sprintf("%s%s#%09d", MetadataPrefix, until.UTC().Format(time.RFC3339), version)}
}

// MetadataPrefix begins the sort key of every MetadataBefore.
const MetadataPrefix = "N#"

// MemberMonth holds a member's counters; month is "2026-11" in the organization's time zone.
func MemberMonth(org id.Organization, user id.User, month string) Key {
	return Key{"M#" + string(org) + "#" + string(user), "L#" + month}
}

// TestMonth holds the counters of a member's test keys, apart from MemberMonth.
func TestMonth(org id.Organization, user id.User, month string) Key {
	return Key{Member(org, user).PK, "T#" + month}
}

// TestMonth returns what Month does, if the key is a TestMonth.
func (k Key) TestMonth() (org id.Organization, user id.User, month string, ok bool) {
	month, isMonth := strings.CutPrefix(k.SK, "T#")
	org, user, ok = k.Member()
	return org, user, month, ok && isMonth
}

// Invitation is keyed by the address's hash (id.AddressHash), so that the key
// itself admits one invitation per address and organization.
func Invitation(org id.Organization, addressHash string) Key {
	return Key{"IV#" + string(org) + "#" + addressHash, "IV"}
}

// Invitation returns whose invitation it is, if the key is one's.
func (k Key) Invitation() (org id.Organization, addressHash string, ok bool) {
	rest, isInvitation := strings.CutPrefix(k.PK, InvitationPrefix)
	o, addressHash, ok := strings.Cut(rest, "#")
	return id.Organization(o), addressHash, ok && isInvitation
}

// Prefixes of the partition keys of members with their months, of invitations, and
// of accounts; and of the sort keys of sessions: the stream filters of arrange.
const (
	MemberPrefix     = "M#"
	InvitationPrefix = "IV#"
	UserPrefix       = "U#"
	SessionPrefix    = "S#"
)

func User(user id.User) Key { return Key{"U#" + string(user), "U"} }

func Membership(user id.User, org id.Organization) Key {
	return Key{"U#" + string(user), "M#" + string(org)}
}

func Session(user id.User, session id.Session) Key {
	return Key{"U#" + string(user), "S#" + string(session)}
}

// Address is keyed by a hash: keys appear in metrics, addresses must not.
func Address(address string) Key { return Key{"AD#" + hash(address), "AD"} }

// UsageEvent is keyed by the event id that a reporter with usage:write chose.
func UsageEvent(org id.Organization, event string) Key {
	return Key{"E#" + string(org) + "#" + hash(event)[:2], event}
}

// OwnUsageEvent is keyed by the event id that a member without usage:write chose.
// Prefix and user stand in the partition key, where nothing of the id does: no id
// whatever makes it a UsageEvent, or another member's.
func OwnUsageEvent(org id.Organization, user id.User, event string) Key {
	return Key{"EO#" + string(org) + "#" + string(user), event}
}

// TestUsageEvent and OwnTestUsageEvent hold events of test keys, whose ids are apart
// from those of others.
func TestUsageEvent(org id.Organization, event string) Key {
	return Key{"ET#" + string(org) + "#" + hash(event)[:1], event}
}

func OwnTestUsageEvent(org id.Organization, user id.User, event string) Key {
	return Key{"ETO#" + string(org) + "#" + string(user), event}
}

// UsageEventPrefix begins the partition key of every usage event, in chunks too, and of
// nothing else.
const UsageEventPrefix = "E"

// usageEventKinds are the kinds of their partitions.
var usageEventKinds = []string{"E", "EO", "ET", "ETO", "EB"}

// UsageReference names an event, or a chunk of them, within its organization, if the key
// is one's.
func (k Key) UsageReference() (org id.Organization, reference string, ok bool) {
	kind, rest, _ := strings.Cut(k.PK, "#")
	o, of, ok := strings.Cut(rest, "#")
	return id.Organization(o), kind + "#" + of + "#" + k.SK, ok && slices.Contains(usageEventKinds, kind)
}

// UsageReferenced is the key that a UsageReference names.
func UsageReferenced(org id.Organization, reference string) Key {
	kind, rest, _ := strings.Cut(reference, "#")
	of, sk, _ := strings.Cut(rest, "#")
	return Key{kind + "#" + string(org) + "#" + of, sk}
}

// UsageEvents is the partition with the list of a member's events.
func UsageEvents(org id.Organization, user id.User) string {
	return "UL#" + string(org) + "#" + string(user)
}

// UsageEventsOf is keyed by the day in which events of a member are counted, "2026-11-22",
// when they were recorded, and what recorded them.
func UsageEventsOf(org id.Organization, user id.User, day string, recorded time.Time, by string) Key {
	return Key{UsageEvents(org, user), day + "#" + recorded.UTC().Format("2006-01-02T15:04:05.000") + "#" + by}
}

// UsageSources is how many sources of usage an organization may have.
const UsageSources = 24

// UsageSource tells how far the chunks of a source are.
func UsageSource(org id.Organization, source int) Key {
	return Key{"US#" + string(org), fmt.Sprintf("%02d", source)}
}

// UsageSource returns which source it is, if the key is a UsageSource.
func (k Key) UsageSource() (org id.Organization, source int, ok bool) {
	o, ok := strings.CutPrefix(k.PK, "US#")
	source, err := strconv.Atoi(k.SK)
	return id.Organization(o), source, ok && err == nil
}

// UsageChunk is keyed by its number, so that the key itself admits one of each.
func UsageChunk(org id.Organization, source int, sequence int64) Key {
	return Key{UsageChunkPrefix + string(org) + fmt.Sprintf("#%02d", source), fmt.Sprintf("%019d", sequence)}
}

// UsageChunk reports whether the key is a UsageChunk.
func (k Key) UsageChunk() bool { return strings.HasPrefix(k.PK, UsageChunkPrefix) }

// UsageChunkPrefix begins the partition key of every chunk.
const UsageChunkPrefix = "EB#"

// PoolLane holds a part of what an organization, or one of its teams, spends in a month
// of its own time zone, "2026-11".
func PoolLane(org id.Organization, team id.Team, month string, lane int) Key {
	pk, prefix := PoolLanes(org, team, month)
	return Key{pk, fmt.Sprintf("%s%03d", prefix, lane)}
}

// PoolLanes is where all lanes of a month are: a partition, and what their sort keys
// begin with.
func PoolLanes(org id.Organization, team id.Team, month string) (pk, prefix string) {
	if team == "" {
		return "P#" + string(org) + "#" + month, ""
	}
	return "PT#" + string(org) + "#" + month + "#" + hash(string(team))[:1], string(team) + "#"
}

// LimitRequests is the partition of an organization's limit requests.
func LimitRequests(org id.Organization) string { return "LQ#" + string(org) }

// OpenLimitRequest is keyed by the user, so that the key itself admits one of each.
func OpenLimitRequest(org id.Organization, user id.User) Key {
	return Key{LimitRequests(org), "open#" + string(user)}
}

func SettledLimitRequest(org id.Organization, status string, request id.LimitRequest) Key {
	return Key{LimitRequests(org), status + "#" + string(request)}
}

// LimitRequestsOf is the partition of the list index with a member's limit requests.
func LimitRequestsOf(org id.Organization, user id.User) string {
	return LimitRequests(org) + "#of#" + string(user)
}

// AuditEvent is in the month of UTC, "2026-11", in which it was.
func AuditEvent(org id.Organization, month, event string) Key {
	return Key{"AU#" + string(org) + "#" + month, event}
}

// Connections is the partition of an organization's connections.
func Connections(org id.Organization) string { return "CN#" + string(org) }

// Connection is the key of a connection in the partition of its owner: that of
// Connections, or of User.
func Connection(owner string, connection id.Connection) Key {
	return Key{owner, ConnectionPrefix + string(connection)}
}

// ConnectionPrefix begins the sort key of every connection, and of nothing else in
// its owner's partition.
const ConnectionPrefix = "C#"

// Credential is the key of a connection's sealed credential, which no list reads.
func Credential(owner string, connection id.Connection) Key {
	return Key{owner, "CS#" + string(connection)}
}

// PersonalConnections is the key of what is known of a person's connections as a whole.
func PersonalConnections(user id.User) Key { return Key{"U#" + string(user), "CN"} }

// AuditAbout is the partition of the list index with the audit events that
// concern a member.
func AuditAbout(org id.Organization, user id.User) string {
	return "AU#" + string(org) + "#about#" + string(user)
}

// OutboxShards is over how many partitions waiting mails are spread.
const OutboxShards = 16

func Outbox(shard int, mail string) Key {
	return Key{OutboxPrefix + "0123456789abcdef"[shard:shard+1], mail}
}

// OutboxPrefix begins every outbox item's partition key: the stream filter of notify.
const OutboxPrefix = "OB#"

func Job(org id.Organization, job id.Job) Key { return Key{"JB#" + string(org), string(job)} }

// JobInput holds some of a job's rows; parts are counted from 0.
func JobInput(job id.Job, part int) Key {
	return Key{JobInputPrefix + string(job), fmt.Sprintf("%05d", part)}
}

// JobInputPrefix begins the partition key of every part of an input.
const JobInputPrefix = "JI#"

// JobResult is keyed by the row's index, so that the key itself admits one result
// for each.
func JobResult(job id.Job, row int) Key {
	return Key{"JR#" + string(job), fmt.Sprintf("%07d", row)}
}

// JobShards is over how many partitions calls of jobs are spread: those of one are
// heard one after the other.
const JobShards = 16

func JobCall(shard int, call string) Key {
	return Key{JobCallPrefix + "0123456789abcdef"[shard:shard+1], call}
}

// JobCallPrefix begins every call's partition key: the stream filter of run-jobs.
const JobCallPrefix = "JC#"

// DueShards is over how many partitions spreads what is due of memberships.
const DueShards = 4

// Due is the key of what leads to a membership about which something changes by
// itself at a time, to the second.
func Due(shard int, at time.Time, org id.Organization, user id.User) Key {
	return Key{"DU#" + strconv.Itoa(shard), DueBy(at) + string(org) + "#" + string(user)}
}

// DueBy begins the sort key of everything that is due in a second: those of what is
// due before come before it.
func DueBy(at time.Time) string { return at.UTC().Format(time.RFC3339) + "#" }

// Due returns whose membership it is, if the key is a Due.
func (k Key) Due() (org id.Organization, user id.User, ok bool) {
	_, rest, _ := strings.Cut(k.SK, "#")
	o, u, ok := strings.Cut(rest, "#")
	return id.Organization(o), id.User(u), ok && strings.HasPrefix(k.PK, "DU#")
}

// Warning is keyed by the window, a month "2026-11" or a day "2026-11-22" of the
// organization's time zone, and by the limit in nano-USD: another limit is warned about
// anew. Of no key, the limit is the member's.
func Warning(org id.Organization, user id.User, window string, limit int64, key id.Key) Key {
	sk := window + "#" + strconv.FormatInt(limit, 10)
	if key != "" {
		sk += "#" + string(key)
	}
	return Key{WarningsPartition(org, user), sk}
}

// PoolWarning is keyed as Warning is, of a team or, without one, of the organization.
func PoolWarning(org id.Organization, team id.Team, window string, limit int64) Key {
	return Key{WarningsPartition(org, ""), window + "#" + strconv.FormatInt(limit, 10) + "#" + string(team)}
}

// BudgetWarning is keyed by the month and the budget in nano-USD.
func BudgetWarning(org id.Organization, month string, budget int64) Key {
	return Key{WarningsPartition(org, ""), month + "#" + strconv.FormatInt(budget, 10) + "#budget"}
}

// WarningsPartition is that of every Warning about a member's limits.
func WarningsPartition(org id.Organization, user id.User) string {
	return "WA#" + string(org) + "#" + string(user)
}

// NearShards is over how many partitions those are spread who are near a limit.
const NearShards = 4

// Near is the key of what leads to a member who is near a limit; of no user, to all
// members of an organization, who are to be looked at once.
func Near(org id.Organization, user id.User) Key {
	entry := string(org) + "#" + string(user)
	shard := hash(entry)[0] % NearShards
	return Key{NearPartition(int(shard)), entry}
}

// nearPool begins what a NearPool leads to.
const nearPool = "pool#"

// NearPool is the key of what leads to a team's pool or, without one, the organization's,
// that is near a limit.
func NearPool(org id.Organization, team id.Team) Key { return Near(org, id.User(nearPool+team)) }

// NearPartition is a partition of Near and NearPool.
func NearPartition(shard int) string { return "NE#" + strconv.Itoa(shard) }

// Near returns to whom the key leads, if it is a Near.
func (k Key) Near() (org id.Organization, user id.User, ok bool) {
	o, u, ok := strings.Cut(k.SK, "#")
	return id.Organization(o), id.User(u), ok && strings.HasPrefix(k.PK, "NE#") && !strings.HasPrefix(u, nearPool)
}

// NearPool returns to which pool the key leads, if it is a NearPool.
func (k Key) NearPool() (org id.Organization, team id.Team, ok bool) {
	o, of, _ := strings.Cut(k.SK, "#")
	t, ok := strings.CutPrefix(of, nearPool)
	return id.Organization(o), id.Team(t), ok && strings.HasPrefix(k.PK, "NE#")
}

func Idempotency(scope string) Key { return Key{"IK#" + hash(scope), "IK"} }

// ListPartition is the partition of one of an organization's lists.
func ListPartition(org id.Organization, list string) string { return "ML#" + string(org) + "#" + list }

// entryEnd separates an entry's place from what it leads to. It comes before every
// character that a place has, so that entries stand in the order of their places.
const entryEnd = "\t"

// ListEntry is the key of an entry, which stands at a place in the order of a list
// and leads to what the reference names.
func ListEntry(partition, place, reference string) Key {
	return Key{partition, place + entryEnd + reference}
}

// EntriesTo is the To of a Query for the entries that stand at a place, or before it.
func EntriesTo(place string) string { return place + entryEnd + "~" }

// AfterPlace is the Start of a Query that goes on behind all entries at a place of a
// list.
func AfterPlace(partition, place string) Item { return Key{partition, EntriesTo(place)}.item() }

// Entry returns the place and the reference of a ListEntry.
func (k Key) Entry() (place, reference string) {
	place, reference, _ = strings.Cut(k.SK, entryEnd)
	return place, reference
}

func Throttle(what, window string) Key { return Key{"TH#" + what, window} }

// Billing holds the billing settings.
func Billing(org id.Organization) Key { return Key{"O#" + string(org), "BL"} }

// Prices says which version of the organization's prices is in force.
func Prices(org id.Organization) Key { return Key{"O#" + string(org), "PR"} }

// PoolSettings has what the organization and its teams may spend.
func PoolSettings(org id.Organization) Key { return Key{"O#" + string(org), "PL"} }

// PriceVersion is keyed by its number, so that the key itself admits one of each.
func PriceVersion(org id.Organization, number int) Key {
	return Key{"PR#" + string(org), fmt.Sprintf("%09d", number)}
}

// Statement is keyed by its month, so that the key itself admits one for each.
func Statement(org id.Organization, month string) Key { return Key{"ST#" + string(org), month} }

func StatementEntry(org id.Organization, month string, user id.User) Key {
	return Key{"SL#" + string(org) + "#" + month, string(user)}
}

// StatementRows holds some of a statement's rows; parts are counted from 0.
func StatementRows(org id.Organization, month string, part int) Key {
	return Key{"SL#" + string(org) + "#" + month, fmt.Sprintf("R#%03d", part)}
}

// StatementRound is the progress of closing a month for all organizations.
func StatementRound() Key { return Key{"PF", "ST"} }

// ReconcileRound is the progress of the day's reconciliation of all organizations.
func ReconcileRound() Key { return Key{"PF", "RC"} }

func Setup() Key { return Key{"PF", "SETUP"} }

func hash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}
