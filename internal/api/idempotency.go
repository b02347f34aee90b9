package api

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"roster/internal/fault"
	"roster/internal/table"
)

// IdempotencyTTL is how long an answer is kept for repeats of its key.
const IdempotencyTTL = 24 * time.Hour

var (
	errKeyReused = fault.New(fault.Invalid, "idempotency_key_reused",
		"This Idempotency-Key was used for another request.")
	errKeyForm = fault.InvalidParameter("Idempotency-Key", "must be 1 to 255 visible ASCII characters")
	// errAnswered is the refusal of a commit whose key has an answer already.
	errAnswered = errors.New("the idempotency key has an answer")
)

// answer is the item of an idempotency key. The response is sealed: it may hold tokens.
type answer struct {
	Request  string `dynamodbav:"request"`
	Response string `dynamodbav:"response"`
	Status   int    `dynamodbav:"status"`
	ETag     string `dynamodbav:"etag,omitempty"`
	TTL      int64  `dynamodbav:"ttl"`
}

// pending is an idempotency key whose call is under way.
type pending struct {
	request   *Request
	key       table.Key
	digest    string
	committed bool
}

type pendingKey struct{}

// idempotent runs a call once per Idempotency-Key and repeats its answer. The
// answer is stored in the transaction of the change itself (Commit), so that a
// crash leaves both or neither, and two calls at once change one thing.
func idempotent(ctx context.Context, r *Request, who any, call func(context.Context) (*Response, error)) (*Response, error) {
	key := r.Header("Idempotency-Key")
	if key == "" || !r.Route.Repeats() {
		return call(ctx)
	}
	if len(key) > 255 || strings.IndexFunc(key, func(c rune) bool { return c <= ' ' || c > '~' }) >= 0 {
		return nil, errKeyForm
	}
	digest := requestDigest(r)
	p := &pending{request: r, digest: digest, key: table.Idempotency(scope(r, who, digest) + "\n" + key)}
	if response, err := p.repeat(ctx); response != nil || err != nil {
		return response, err
	}
	response, err := call(context.WithValue(ctx, pendingKey{}, p))
	if err != nil {
		// Perhaps this very change was made before, by a call whose answer was
		// lost or by one at the same time: then its answer is the right one.
		response, repeatErr := p.repeat(ctx)
		if response != nil || errors.Is(repeatErr, errKeyReused) {
			return response, repeatErr
		}
		return nil, err
	}
	if !p.committed {
		write, sealErr := p.write(ctx, response)
		if sealErr != nil {
			return nil, sealErr
		}
		// A use case that ends without Commit changes nothing, or may be repeated: it
		// is answered even where its answer could not be kept.
		if err := r.env.Table.Transact(ctx, write); errors.Is(err, errAnswered) {
			if earlier, err := p.repeat(ctx); earlier != nil || err != nil {
				return earlier, err
			}
		}
	}
	return response, nil
}

// scope keeps callers apart. Who has no identity is told apart by the whole
// request: a guessed key must not show another's answer.
func scope(r *Request, who any, digest string) string {
	if w, ok := who.(interface{ IdempotencyScope() string }); ok && w.IdempotencyScope() != "" {
		return w.IdempotencyScope() + "\n" + r.Route.Key
	}
	return "anyone\n" + digest
}

func requestDigest(r *Request) string {
	h := sha256.New()
	fmt.Fprintf(h, "%s\n%s\n%s\n", r.Route.Key, r.Event.RawPath, r.Event.RawQueryString)
	h.Write(r.Body)
	return hex.EncodeToString(h.Sum(nil))
}

func (p *pending) repeat(ctx context.Context) (*Response, error) {
	env := p.request.env
	var a *answer
	if err := env.Table.Get(ctx, table.Into(p.key, &a)); err != nil {
		return nil, err
	}
	if a == nil || a.TTL <= env.Now().Unix() {
		return nil, nil
	}
	if a.Request != p.digest {
		return nil, errKeyReused
	}
	keys, err := env.Keys(ctx)
	if err != nil {
		return nil, err
	}
	body, err := keys.Open(a.Response, p.key.PK)
	if err != nil {
		return nil, err
	}
	headers := map[string]string{"content-type": "application/json", "idempotent-replayed": "true"}
	if a.ETag != "" {
		headers["etag"] = a.ETag
	}
	return &Response{Status: a.Status, Headers: headers, Body: body}, nil
}

func (p *pending) write(ctx context.Context, response *Response) (table.Write, error) {
	env := p.request.env
	keys, err := env.Keys(ctx)
	if err != nil {
		return table.Write{}, err
	}
	now := env.Now()
	return table.Write{
		Key: p.key,
		Put: answer{
			Request: p.digest, Response: keys.Seal(response.Body, p.key.PK), Status: response.Status,
			ETag: response.Headers["etag"], TTL: now.Add(IdempotencyTTL).Unix(),
		},
		If:     table.Absent + " OR #ttl <= :now",
		Values: table.V{"now": now.Unix()},
		Else:   errAnswered,
	}, nil
}

// Commit is Transact for the change that a call makes: with an Idempotency-Key,
// the answer out is stored in the same transaction. A use case ends with it.
func Commit[Out any](ctx context.Context, t *table.Table, out Out, writes ...table.Write) (Out, error) {
	p, ok := ctx.Value(pendingKey{}).(*pending)
	if !ok {
		return out, t.Transact(ctx, writes...)
	}
	response, err := encode(p.request.Route, out)
	if err != nil {
		return out, err
	}
	write, err := p.write(ctx, response)
	if err != nil {
		return out, err
	}
	err = t.Transact(ctx, append(slices.Clip(writes), write)...)
	p.committed = err == nil
	return out, err
}
