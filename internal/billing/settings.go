package billing

import (
	"slices"
	"strconv"
	"time"

	"roster/internal/email"
	"roster/internal/fault"
	"roster/internal/field"
	"roster/internal/id"
	"roster/internal/money"
	"roster/internal/table"
)

// Settings is a merge patch (RFC 7396): what is absent stays, null clears.
type Settings struct {
	ContactName field.Optional[field.Name] `json:"contact_name,omitzero"`
	// ContactEmail is where statements are announced when they are closed.
	ContactEmail field.Optional[email.Address] `json:"contact_email,omitzero"`
	Address      field.Optional[field.Text]    `json:"address,omitzero"`
	TaxID        field.Optional[field.Label]   `json:"tax_id,omitzero"`
	// PurchaseOrder stands on the statements from the current month on.
	PurchaseOrder field.Optional[field.Label] `json:"purchase_order,omitzero"`
	// Budget is in USD per month; null is none. Usage is compared with it, and not
	// stopped by it.
	Budget field.Optional[money.Amount] `json:"budget,omitzero"`
}

// Profile is an organization's billing settings as they are stored.
type Profile struct {
	ContactName  field.Name    `dynamodbav:"contact_name,omitempty"`
	ContactEmail email.Address `dynamodbav:"contact_email,omitempty"`
	Address      field.Text    `dynamodbav:"address,omitempty"`
	TaxID        field.Label   `dynamodbav:"tax_id,omitempty"`
	// Orders are purchase orders, by the month from which each is in force.
	Orders []order       `dynamodbav:"orders,omitempty"`
	Budget *money.Amount `dynamodbav:"budget,omitempty"`

	UpdatedAt time.Time `dynamodbav:"updated_at,omitempty"`
	// Version counts changes; the ETag is made of it. It is 0 where nothing was set.
	Version int `dynamodbav:"version"`
}

// order is a purchase order, or that there is none.
type order struct {
	From   Month       `dynamodbav:"from"`
	Number field.Label `dynamodbav:"number,omitempty"`
}

// ordersKept bounds the purchase orders: those before concern statements that are
// closed long since.
const ordersKept = 36

// Merge applies the patch in a month.
func (p Profile) Merge(s Settings, now Month) Profile {
	s.ContactName.Merge(&p.ContactName)
	s.ContactEmail.Merge(&p.ContactEmail)
	s.Address.Merge(&p.Address)
	s.TaxID.Merge(&p.TaxID)
	if s.PurchaseOrder.Given && s.PurchaseOrder.Value != p.orderIn(now) {
		p.Orders = slices.DeleteFunc(slices.Clone(p.Orders), func(o order) bool { return o.From >= now })
		p.Orders = append(p.Orders, order{now, s.PurchaseOrder.Value})
		p.Orders = p.Orders[max(0, len(p.Orders)-ordersKept):]
	}
	switch {
	case s.Budget.Null:
		p.Budget = nil
	case s.Budget.Given:
		p.Budget = &s.Budget.Value
	}
	return p
}

// orderIn is the purchase order that is in force in a month; empty without one.
func (p Profile) orderIn(m Month) field.Label {
	for _, o := range slices.Backward(p.Orders) {
		if o.From <= m {
			return o.Number
		}
	}
	return ""
}

// recorded is what an audit event shows, by the API's names.
func (p Profile) recorded(now Month) map[string]any {
	shown := map[string]any{
		"contact_name": p.ContactName, "contact_email": p.ContactEmail, "address": p.Address, "tax_id": p.TaxID,
		"purchase_order": p.orderIn(now), "budget": nil,
	}
	if p.Budget != nil {
		shown["budget"] = p.Budget.String()
	}
	return shown
}

// ETag is the entity tag of the settings.
func (p Profile) ETag() string { return `"` + strconv.Itoa(p.Version) + `"` }

var errVersion = fault.New(fault.Precondition, "version_mismatch", "The billing settings were changed since they were read.")

// save returns a profile that was read and changed as it will be, and the Write. It
// fails with table.ErrChanged if the profile changed since.
func save(org id.Organization, read, p Profile, now time.Time) (Profile, table.Write) {
	p.UpdatedAt, p.Version = now, read.Version+1
	w := table.Write{Key: table.Billing(org), Put: p, If: table.Absent, Else: table.ErrChanged}
	if read.Version > 0 {
		w.If, w.Values = "#version = :read", table.V{"read": read.Version}
	}
	return p, w
}

// View is the billing settings, and how the month stands.
type View struct {
	ContactName   field.Name    `json:"contact_name"`
	ContactEmail  email.Address `json:"contact_email,omitzero"`
	Address       field.Text    `json:"address"`
	TaxID         field.Label   `json:"tax_id"`
	PurchaseOrder field.Label   `json:"purchase_order"`
	// Budget, in USD per month, is compared with the spend; it stops nothing. Null is
	// none.
	Budget *money.Amount `json:"budget"`
	// Month is the current one of the organization's time zone.
	Month Month        `json:"month"`
	Spend money.Amount `json:"spend"`
	// Remaining is what is left of the budget, 0 once it is spent; null without one.
	Remaining *money.Amount `json:"remaining"`
	// AsOf is when the spend was read; what was recorded within the last moments may
	// be missing.
	AsOf      time.Time `json:"as_of"`
	UpdatedAt time.Time `json:"updated_at,omitzero"`
}

// Answer is the billing settings.
type Answer struct {
	Billing View `json:"billing"`
	etag    string
}

// ETag is the entity tag of the settings, which the spend does not change.
func (a Answer) ETag() string { return a.etag }

func (p Profile) answer(now time.Time, month Month, spend money.Amount) Answer {
	return Answer{View{
		ContactName: p.ContactName, ContactEmail: p.ContactEmail, Address: p.Address, TaxID: p.TaxID,
		PurchaseOrder: p.orderIn(month), Budget: p.Budget, Month: month, Spend: spend,
		Remaining: remaining(p.Budget, spend), AsOf: now, UpdatedAt: p.UpdatedAt,
	}, p.ETag()}
}

// remaining is what is left of a budget; nil without one.
func remaining(budget *money.Amount, spend money.Amount) *money.Amount {
	if budget == nil {
		return nil
	}
	return new(max(0, *budget-spend))
}
