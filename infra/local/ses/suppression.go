package ses

import (
	"cmp"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"
)

const (
	reasonBounce    = "BOUNCE"
	reasonComplaint = "COMPLAINT"

	maxSuppressedPage = 1000
)

// suppression is an entry of the account's suppression list, and a line of the
// file that keeps it.
type suppression struct {
	Address    string    `json:"address"`
	Reason     string    `json:"reason,omitempty"` // BOUNCE or COMPLAINT; "" takes the address off
	UpdatedAt  time.Time `json:"updated_at"`
	MessageID  string    `json:"message_id,omitempty"`
	FeedbackID string    `json:"feedback_id,omitempty"`
}

// suppressionList has its entries by address, in lower case.
type suppressionList map[string]suppression

func (l suppressionList) apply(change suppression) {
	if change.Reason == "" {
		delete(l, lowerASCII(change.Address))
		return
	}
	l[lowerASCII(change.Address)] = change
}

func (l suppressionList) has(address string) bool {
	_, ok := l[lowerASCII(address)]
	return ok
}

func (s *Server) changeSuppression(change suppression) error {
	if err := s.suppressions.append(change); err != nil {
		return err
	}
	s.suppressed.apply(change)
	return nil
}

// suppressFailed puts the addresses on the list whose mail bounced or was
// complained about.
func (s *Server) suppressFailed(m Mail) error {
	for i, r := range m.Recipients {
		reason := suppressionReason(r)
		if reason == "" {
			continue
		}
		err := s.changeSuppression(suppression{
			Address: r.Address, Reason: reason, UpdatedAt: m.SentAt,
			MessageID: m.ID, FeedbackID: feedbackID(m, i),
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *Server) putSuppressed(r *http.Request) (any, error) {
	in, err := decode[struct{ EmailAddress, Reason string }](r)
	if err != nil {
		return nil, err
	}
	address, err := parseAddress(in.EmailAddress)
	if err != nil {
		return nil, err
	}
	if in.Reason != reasonBounce && in.Reason != reasonComplaint {
		return nil, badRequest("Reason must be BOUNCE or COMPLAINT.")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return struct{}{}, s.changeSuppression(suppression{
		Address: address, Reason: in.Reason, UpdatedAt: s.cfg.Now().UTC(),
	})
}

func (s *Server) deleteSuppressed(r *http.Request) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	entry, err := s.suppressedAt(r)
	if err != nil {
		return nil, err
	}
	return struct{}{}, s.changeSuppression(suppression{Address: entry.Address, UpdatedAt: s.cfg.Now().UTC()})
}

func (s *Server) getSuppressed(r *http.Request) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	entry, err := s.suppressedAt(r)
	if err != nil {
		return nil, err
	}
	out := entry.summary()
	if entry.MessageID != "" {
		out["Attributes"] = map[string]string{"MessageId": entry.MessageID, "FeedbackId": entry.FeedbackID}
	}
	return map[string]any{"SuppressedDestination": out}, nil
}

func (s *Server) suppressedAt(r *http.Request) (suppression, error) {
	address := r.PathValue("address")
	entry, ok := s.suppressed[lowerASCII(address)]
	if !ok {
		return suppression{}, notFound("Email address %s does not exist on your suppression list.", address)
	}
	return entry, nil
}

// listSuppressed pages through the list by address; the token is the last
// address of the page before.
func (s *Server) listSuppressed(r *http.Request) (any, error) {
	matches, err := suppressionFilter(r)
	if err != nil {
		return nil, err
	}
	size := maxSuppressedPage
	if v := r.FormValue("PageSize"); v != "" {
		if size, err = strconv.Atoi(v); err != nil || size < 1 || size > maxSuppressedPage {
			return nil, badRequest("PageSize must be from 1 to %d.", maxSuppressedPage)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	page := []map[string]any{}
	after, last := r.FormValue("NextToken"), ""
	for _, address := range slices.Sorted(maps.Keys(s.suppressed)) {
		entry := s.suppressed[address]
		if cmp.Compare(address, after) <= 0 || !matches(entry) {
			continue
		}
		if len(page) == size {
			return map[string]any{"SuppressedDestinationSummaries": page, "NextToken": last}, nil
		}
		page, last = append(page, entry.summary()), address
	}
	return map[string]any{"SuppressedDestinationSummaries": page}, nil
}

func suppressionFilter(r *http.Request) (func(suppression) bool, error) {
	from, err := timeParameter(r, "StartDate")
	if err != nil {
		return nil, err
	}
	until, err := timeParameter(r, "EndDate")
	if err != nil {
		return nil, err
	}
	reasons := r.URL.Query()["Reason"]
	return func(e suppression) bool {
		return (len(reasons) == 0 || slices.Contains(reasons, e.Reason)) &&
			(from.IsZero() || e.UpdatedAt.After(from)) &&
			(until.IsZero() || e.UpdatedAt.Before(until))
	}, nil
}

func timeParameter(r *http.Request, name string) (time.Time, error) {
	v := r.FormValue(name)
	if v == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339, v)
	if err != nil {
		return time.Time{}, badRequest("%s is not a date and time: %s", name, v)
	}
	return t, nil
}

// summary is a SuppressedDestinationSummary; its time is in Unix seconds.
func (e suppression) summary() map[string]any {
	return map[string]any{
		"EmailAddress":   e.Address,
		"Reason":         e.Reason,
		"LastUpdateTime": float64(e.UpdatedAt.UnixMilli()) / 1000,
	}
}
