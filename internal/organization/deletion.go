package organization

import (
	"context"
	"time"

	"roster/internal/fault"
	"roster/internal/id"
	"roster/internal/mail"
	"roster/internal/table"
)

// Grace is how long the owners may restore an organization that is being deleted.
const Grace = 30 * 24 * time.Hour

// Deletion is an owner's wish to delete the organization.
type Deletion struct {
	By   id.User   `dynamodbav:"by"`
	Name string    `dynamodbav:"name"` // what By is called
	At   time.Time `dynamodbav:"at"`
}

// Telling is what members are still to hear by mail.
type Telling struct {
	Kind mail.Kind `dynamodbav:"kind"`
	// After is where the list of members goes on behind who heard it last; Until,
	// where set, is the place of the last who is to hear it.
	After map[string]string `dynamodbav:"after,omitempty"`
	Until string            `dynamodbav:"until,omitempty"`
	// Then is what they are to hear after that.
	Then *Telling `dynamodbav:"then,omitempty"`
}

// ErrDeleting refuses what an organization cannot have done to it while it is being
// deleted.
var ErrDeleting = fault.New(fault.Conflict, "organization_deleting", "The organization is being deleted; its owners may restore it.")

// Delete is the organization as an owner deletes it: from now on nobody may do
// anything in it, and nothing is lost before the grace is over.
func (o Organization) Delete(by Deletion) Organization {
	o.Status, o.Deletion, o.DeletesAt = Deleting, &by, by.At.Add(Grace)
	o.Telling = &Telling{Kind: mail.OrganizationDeleting}
	return o
}

// tell is the organization whose members are to hear something, after what they are
// hearing already.
func (o Organization) tell(kind mail.Kind) Organization {
	next := &Telling{Kind: kind}
	if o.Telling != nil && o.Telling.Kind != kind {
		current := *o.Telling
		current.Then, next = next, &current
	}
	o.Telling = next
	return o
}

// untell is the organization whose members are not to hear it any more.
func (o Organization) untell(kind mail.Kind) Organization {
	switch {
	case o.Telling == nil:
	case o.Telling.Kind == kind:
		o.Telling = o.Telling.Then
	case o.Telling.Then != nil:
		current := *o.Telling
		current.Then = nil
		o.Telling = &current
	}
	return o
}

// Restore is the organization as it was before Delete. Those hear of it who heard
// of the deletion.
func (o Organization) Restore() Organization {
	told := o.Telling
	o.Status, o.Deletion, o.DeletesAt, o.Telling = Active, nil, time.Time{}, nil
	switch {
	case told == nil:
		o.Telling = &Telling{Kind: mail.OrganizationRestored}
	case told.After != nil:
		o.Telling = &Telling{Kind: mail.OrganizationRestored, Until: told.After[table.ListIndex+"_sk"]}
	}
	return o
}

// Over reports whether the grace of a deletion is over.
func (o Organization) Over(now time.Time) bool {
	return o.Status == Deleted || o.Status == Deleting && !now.Before(o.DeletesAt)
}

// dueList is the partition of the state index that holds the organizations with
// which something is to be done, in the order of the time.
const dueList = "PF#due"

// dueUntil is a place in dueList behind everything that is due before a time.
func dueUntil(at time.Time) string { return at.UTC().Format(time.RFC3339) + "#" }

// due returns when something is to be done with the organization.
func (o Organization) due() (time.Time, bool) {
	switch {
	case o.Telling != nil:
		return o.UpdatedAt, true
	case o.Deletion != nil:
		return o.DeletesAt, true
	}
	return time.Time{}, false
}

// Due lists organizations with which something is to be done by now, as the index
// has them: some may be done with already.
func Due(ctx context.Context, t *table.Table, now time.Time) ([]id.Organization, error) {
	items, err := t.QueryAll(ctx, table.Query{Index: table.StateIndex, PK: dueList, To: dueUntil(now.Add(time.Second))})
	if err != nil {
		return nil, err
	}
	rows, err := table.DecodeAll[Listed](items)
	if err != nil {
		return nil, err
	}
	all := make([]id.Organization, len(rows))
	for i, row := range rows {
		all[i] = row.ID
	}
	return all, nil
}

// Kept is the check that an organization is not erased, nor about to be; it is
// refused with the error.
func Kept(org id.Organization, otherwise error) table.Write {
	return table.Write{
		Key: table.Organization(org), If: table.Present + " AND #status <> :deleted",
		Values: table.V{"deleted": Deleted}, Else: otherwise,
	}
}
