package outbox

import (
	"errors"
	"slices"
	"strings"

	"roster/internal/table"
)

// Delivery is the fate of an invitation's mail, as the invitation shows it.
type Delivery string

const (
	Queued     Delivery = "queued"     // waits in the outbox
	Sent       Delivery = "sent"       // SES has it
	Failed     Delivery = "failed"     // SES refused it for good
	Delivered  Delivery = "delivered"  // the receiving server has it
	Bounced    Delivery = "bounced"    // it came back
	Complained Delivery = "complained" // its reader called it spam
)

// deliveries lists fates in the order in which one may follow another. A mail
// whose answer from SES was lost is tried again, so that it may have failed
// first and be delivered then.
var deliveries = []Delivery{Queued, Sent, Failed, Delivered, Bounced, Complained}

// ErrSuperseded is the refusal of a fate that is not news: a later one is known,
// or the invitation was renewed or is gone.
var ErrSuperseded = errors.New("outbox: the invitation does not wait for this")

// Mark is the Write that shows an invitation's fate on it. Fates never go back,
// and the mail of an earlier generation changes nothing. The invitation's version
// counts the change, so that none that was read before overwrites it.
func (r InvitationRef) Mark(d Delivery) table.Write {
	values := table.V{"id": r.ID, "generation": r.Generation, "delivery": d, "one": 1}
	var earlier []string
	for _, before := range deliveries[:slices.Index(deliveries, d)] {
		values[string(before)] = before
		earlier = append(earlier, ":"+string(before))
	}
	return table.Write{
		Key:    table.Invitation(r.Organization, r.ID.AddressHash()),
		Update: "SET #delivery = :delivery ADD #version :one",
		If: "#id = :id AND #generation = :generation AND #delivery IN (" +
			strings.Join(earlier, ", ") + ")",
		Values: values,
		Else:   ErrSuperseded,
	}
}
