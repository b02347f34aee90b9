package billing

import (
	"time"

	"roster/internal/email"
	"roster/internal/field"
	"roster/internal/id"
	"roster/internal/money"
	"roster/internal/table"
	"roster/internal/usage"
)

// statement is the item of a month that is being closed, or is closed.
type statement struct {
	Month Month `dynamodbav:"month"`
	// Stage is how far the closing is. Step counts its writes, each of which rests on
	// the one before.
	Stage stage `dynamodbav:"stage"`
	Step  int   `dynamodbav:"step"`
	// After is the last member whose entry is written.
	After id.User `dynamodbav:"after,omitempty"`

	// The following is known from the stage summing on: ClosedAt is when the last
	// member's counters were read, and the rest is as it stood then.
	ClosedAt      time.Time      `dynamodbav:"closed_at,omitempty"`
	Organization  field.Name     `dynamodbav:"organization,omitempty"`
	TimeZone      field.TimeZone `dynamodbav:"time_zone,omitempty"`
	ContactName   field.Name     `dynamodbav:"contact_name,omitempty"`
	ContactEmail  email.Address  `dynamodbav:"contact_email,omitempty"`
	Address       field.Text     `dynamodbav:"address,omitempty"`
	TaxID         field.Label    `dynamodbav:"tax_id,omitempty"`
	PurchaseOrder field.Label    `dynamodbav:"purchase_order,omitempty"`
	Budget        *money.Amount  `dynamodbav:"budget,omitempty"`

	// The following is known when it is closed.
	Members     int             `dynamodbav:"members"`
	Totals      usage.Counters  `dynamodbav:"totals"`
	Usage       usage.Counters  `dynamodbav:"usage"`
	Adjustments []adjustedMonth `dynamodbav:"adjustments,omitempty"`
	Rows        int             `dynamodbav:"rows"`
}

// stage of a statement.
type stage string

const (
	// reading: members' counters are read, and their entries written.
	reading stage = "reading"
	// summing: every entry is written.
	summing stage = "summing"
	// closed: nothing of the statement changes any more.
	closed stage = "closed"
)

// entry is what a statement has of one member. Entries of closed statements are
// what the next one compares with.
type entry struct {
	User  id.User `dynamodbav:"user"`
	Email string  `dynamodbav:"email,omitempty"`
	Name  string  `dynamodbav:"name,omitempty"`
	// This is the month's usage as it was read, and Before that of the month before.
	This   usage.Sums `dynamodbav:"this"`
	Before usage.Sums `dynamodbav:"before"`
	// Adjustments are what was reported late for the two months before.
	Adjustments []adjustment `dynamodbav:"adjustments,omitempty"`
	// Lines is how many lines the member has on the statement; absent where the entry
	// is there for the next statement alone.
	Lines int `dynamodbav:"lines,omitempty"`
}

// adjustment is usage of an earlier month that no statement had yet.
type adjustment struct {
	Month Month      `dynamodbav:"month"`
	Of    usage.Sums `dynamodbav:"of"`
}

// adjustedMonth is the sum of all members' adjustments for a month.
type adjustedMonth struct {
	Month    Month          `dynamodbav:"month"`
	Counters usage.Counters `dynamodbav:"counters"`
}

// sums yields what the entry has, by the month it is for.
func (e entry) sums(of Month) func(yield func(Month, usage.Sums) bool) {
	return func(yield func(Month, usage.Sums) bool) {
		if !e.This.IsZero() && !yield(of, e.This) {
			return
		}
		for _, a := range e.Adjustments {
			if !yield(a.Month, a.Of) {
				return
			}
		}
	}
}

// row is what a statement has of one team or model, for one month.
type row struct {
	Month Month   `dynamodbav:"month"`
	Team  id.Team `dynamodbav:"team,omitempty"`
	// Name is the team's.
	Name     field.Name     `dynamodbav:"name,omitempty"`
	Model    string         `dynamodbav:"model,omitempty"`
	IsTeam   bool           `dynamodbav:"is_team"`
	Counters usage.Counters `dynamodbav:"counters"`
}

// rows are some of a statement's rows, as an item holds them.
type rows struct {
	Rows []row `dynamodbav:"rows"`
}

// rowsPerItem keeps an item of rows below 400 KB, whatever teams are called.
const rowsPerItem = 200

// next returns the statement as it is after one more step, and the Write. It fails
// with table.ErrChanged if another runner made that step.
func (s statement) next(org id.Organization, becomes statement) (statement, table.Write) {
	becomes.Step = s.Step + 1
	return becomes, table.Write{
		Key: table.Statement(org, string(s.Month)), Put: becomes,
		If: "#step = :step", Values: table.V{"step": s.Step}, Else: table.ErrChanged,
	}
}
