package table_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"roster/infra/local/engine/enginetest"
	"roster/internal/rostertest"
	"roster/internal/table"
)

func TestGet(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t)
	writes := make([]table.Write, 100)
	for n := range writes {
		writes[n] = put(n, counter{"item", n})
	}
	write(t, r, writes...)
	write(t, r, put(100, counter{"item", 100}))

	if err := r.Table.Get(t.Context()); err != nil {
		t.Errorf("nothing: %v", err)
	}
	if got := get(t, r, 999); got != nil {
		t.Errorf("absent: %+v", got)
	}
	kept := &counter{"before", 1}
	var there *counter
	if err := r.Table.Get(t.Context(), table.Into(key(999), &kept), table.Into(key(7), &there)); err != nil || kept != nil || there.Count != 7 {
		t.Errorf("absent among others: %+v, %+v, %v", kept, there, err)
	}
	into := make([]*counter, 130) // more than one batch, with duplicates and absent ones
	reads := make([]table.Read, len(into))
	for i := range into {
		reads[i] = table.Into(key(i%110), &into[i])
	}
	if err := r.Table.Get(t.Context(), reads...); err != nil {
		t.Fatal(err)
	}
	for i, c := range into {
		if n := i % 110; n > 100 && c != nil || n <= 100 && (c == nil || c.Count != n) {
			t.Errorf("read %d: %+v", i, c)
		}
	}
	if into[0] == into[110] {
		t.Error("two reads of one item share it")
	}
}

func TestGetTellsAnItemOfAnotherShape(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t)
	write(t, r, put(1, map[string]any{"count": "many"}))
	var c *counter
	if err := r.Table.Get(t.Context(), table.Into(key(1), &c)); err == nil || errors.Is(err, table.ErrUnavailable) {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestKeysLeftUnprocessedAreReadAgain(t *testing.T) {
	t.Parallel()
	r, calls := faulty(t, "BatchGetItem", func(n int64, next func() (*http.Response, error)) (*http.Response, error) {
		if n > 1 {
			return next()
		}
		return rostertest.Exception("ProvisionedThroughputExceededException", ""), nil
	})
	write(t, r, put(1, counter{"one", 1}), put(2, counter{"two", 2}))
	var one, two *counter
	if err := r.Table.Get(t.Context(), table.Into(key(1), &one), table.Into(key(2), &two)); err != nil || one == nil || two == nil {
		t.Errorf("%+v, %+v, %v", one, two, err)
	}
	if calls.Load() != 2 {
		t.Errorf("%d calls", calls.Load())
	}
}

type row struct {
	table.Row
	N int `dynamodbav:"number"`
	// ID is an attribute that the indexes carry.
	ID string `dynamodbav:"id"`
}

// numbers returns which rows were found.
func numbers(t *testing.T, items []table.Item) []int {
	t.Helper()
	rows, err := table.DecodeAll[struct {
		ID string `dynamodbav:"id"`
	}](items)
	if err != nil {
		t.Fatal(err)
	}
	found := make([]int, len(rows))
	for i, r := range rows {
		if _, err := fmt.Sscan(r.ID, &found[i]); err != nil {
			t.Fatalf("row %+v: %v", r, err)
		}
	}
	return found
}

func TestQuery(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t)
	var writes []table.Write
	for n := range 10 {
		item := row{N: n, ID: fmt.Sprint(n)}
		if n%2 == 0 { // the index is sparse
			item.Row = table.Row{ListPK: "list", ListSK: fmt.Sprintf("s%d", 9-n)}
		}
		writes = append(writes, table.Write{Key: table.Key{PK: "C", SK: fmt.Sprintf("%c#%d", 'A'+n/5, n)}, Put: item})
	}
	writes = append(writes, table.Write{Key: table.Key{PK: "CC", SK: "A#0"}, Put: row{N: 99, ID: "99"}})
	write(t, r, writes...)
	all := []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}
	for _, tt := range []struct {
		name string
		q    table.Query
		want []int
	}{
		{"collection", table.Query{PK: "C"}, all},
		{"nothing", table.Query{PK: "none"}, nil},
		{"prefix", table.Query{PK: "C", Prefix: "A#"}, all[:5]},
		{"range", table.Query{PK: "C", From: "A#3", To: "B#6"}, all[3:7]},
		{"from", table.Query{PK: "C", From: "B#8"}, all[8:]},
		{"to", table.Query{PK: "C", To: "A#1"}, all[:2]},
		{"empty range", table.Query{PK: "C", From: "A#9", To: "A#99"}, nil},
		{"filter", table.Query{PK: "C", Filter: "#number >= :n", Values: table.V{"n": 7}}, all[7:]},
		{"index", table.Query{Index: table.ListIndex, PK: "list"}, []int{8, 6, 4, 2, 0}},
		{"index, prefix", table.Query{Index: table.ListIndex, PK: "list", Prefix: "s5"}, []int{4}},
		{"other index", table.Query{Index: table.StateIndex, PK: "list"}, nil},
	} {
		items, err := r.Table.QueryAll(t.Context(), tt.q)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if got := numbers(t, items); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
		down := tt.q
		down.Descending, down.Limit = true, 2 // in small pages, backwards
		if items, err = r.Table.QueryAll(t.Context(), down); err != nil {
			t.Errorf("%s, descending: %v", tt.name, err)
			continue
		}
		want := slices.Clone(tt.want)
		slices.Reverse(want)
		if got := numbers(t, items); !slices.Equal(got, want) {
			t.Errorf("%s, descending: %v, want %v", tt.name, got, want)
		}
	}
}

func TestPagesGoOnWhereTheLastOneEnded(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t)
	for n := range 5 {
		write(t, r, table.Write{Key: table.Key{PK: "C", SK: fmt.Sprint(n)},
			Put: row{N: n, ID: fmt.Sprint(n), Row: table.Row{ListPK: "list", ListSK: "same"}}})
	}
	for _, q := range []table.Query{{PK: "C", Limit: 2}, {Index: table.ListIndex, PK: "list", Limit: 2}} {
		var found []int
		for range 3 {
			page, err := r.Table.Query(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			if got := numbers(t, page.Items); len(got) > 2 {
				t.Errorf("a page of %v", got)
			} else {
				found = append(found, got...)
			}
			if page.Next == nil {
				break
			}
			q.Start = q.After(page.Items[len(page.Items)-1])
		}
		slices.Sort(found)
		if !slices.Equal(found, []int{0, 1, 2, 3, 4}) {
			t.Errorf("index %q: %v", q.Index, found)
		}
	}
}

func TestCapacityCountsIndexes(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t)
	ctx, capacity := table.WithCapacity(t.Context())
	for _, w := range [][]table.Write{
		{put(1, counter{"plain", 1})}, // 1
		{{Key: key(2), Put: row{ID: "2", Row: table.Row{ListPK: "list", ListSK: "2"}}}},                                                // 1 + 1 of an index
		{{Key: key(3), Put: row{ID: "3", Row: table.Row{ListPK: "list", ListSK: "3", StatePK: "s", StateSK: "3"}}}, put(4, counter{})}, // 2 + 2 of indexes, + 2
	} {
		if err := r.Table.Transact(ctx, w...); err != nil {
			t.Fatal(err)
		}
	}
	var c *counter
	if err := r.Table.Get(ctx, table.Into(key(1), &c)); err != nil {
		t.Fatal(err)
	}
	if err := r.Table.Get(ctx, table.Into(key(1), &c), table.Into(key(2), &c)); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Table.Query(ctx, table.Query{Index: table.ListIndex, PK: "list"}); err != nil {
		t.Fatal(err)
	}
	want := []table.Call{
		{Operation: "PutItem", Write: 1}, {Operation: "PutItem", Write: 2}, {Operation: "TransactWriteItems", Write: 6},
		{Operation: "GetItem", Read: 1}, {Operation: "BatchGetItem", Read: 2}, {Operation: "Query", Read: 0.5},
	}
	if got := capacity.Calls(); !slices.Equal(got, want) {
		t.Errorf("%+v\nwant %+v", got, want)
	}
	if read, written := capacity.Units(); read != 3.5 || written != 9 {
		t.Errorf("%v read, %v written", read, written)
	}
}

func TestCreateTwiceKeepsWhatIsThere(t *testing.T) {
	t.Parallel()
	db := dynamodb.New(dynamodb.Options{
		Region: "eu-central-1", BaseEndpoint: aws.String(enginetest.Endpoint(t)),
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}, nil
		}),
	})
	name := "created-twice"
	for range 2 {
		if err := table.Create(t.Context(), db, name); err != nil {
			t.Fatal(err)
		}
		tbl := table.New(db, name)
		if err := tbl.Transact(t.Context(), add(1)); err != nil {
			t.Fatal(err)
		}
	}
	var c *counter
	if err := table.New(db, name).Get(t.Context(), table.Into(key(1), &c)); err != nil || c == nil || c.Count != 2 {
		t.Errorf("%+v, %v", c, err)
	}
}
