package invitation

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"roster/internal/fault"
)

func TestASheetIsReadByTheNamesOfItsColumns(t *testing.T) {
	t.Parallel()
	var s Sheet
	if err := s.UnmarshalText([]byte("\ufeffROLE, E-Mail,Metadata.Cost Center,teams,Monthly_Limit,daily_limit,message\r\n" +
		"member,ada@example.com,\"R&D, \"\"B\"\"\",Search; Ranking ;,200.50,unlimited,\"Hello\r\nthere\"\r\n" +
		"\r\n,,,,\r\n" +
		"admin, bob@example.com\r\n")); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, row := range s.rows {
		if row.err != nil {
			t.Error(row.err)
		}
		got = append(got, fmt.Sprint(row.place, " ", string(row.entry), " ", row.teams))
	}
	want := []string{
		`line 2 {"daily_limit":null,"email":"ada@example.com","message":"Hello\nthere","metadata":{"Cost Center":"R&D, \"B\""},"monthly_limit":200.50,"role":"member"} [Search Ranking]`,
		`line 6 {"email":"bob@example.com","role":"admin"} []`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestTheFirstRowShowsByWhatCellsAreSeparated(t *testing.T) {
	t.Parallel()
	const ada = `{"email":"ada@example.com","monthly_limit":200.50,"name":"Ada"} [Search Ranking]`
	for _, c := range []struct{ sheet, want string }{
		{"email,name,teams,monthly_limit\nada@example.com,Ada,Search;Ranking,200.50\n", ada},
		{"email,name,teams,monthly_limit\nada@example.com,Ada,Search;Ranking,\"200,50\"\n", ada},
		{"email;name;teams;monthly_limit\r\nada@example.com;Ada;\"Search;Ranking\";200,50\r\n", ada},
		{"\ufeff\r\n\"E-Mail\"; \"name\";teams;monthly_limit\n\"ada@example.com\"; Ada;\"Search;Ranking\";200.50\n", ada},
		{"email\tmessage\tname\tteams\tmonthly_limit\nada@example.com\t\t Ada \tSearch;Ranking\t200,50\t\n", ada},
		{"\"metadata.a,\"\"\n;\tb\";email\n1,2\t3;ada@example.com\n", `{"email":"ada@example.com","metadata":{"a,\"\n;\tb":"1,2\t3"}} []`},
		{"email,metadata.a;b\nada@example.com,1;2\n", `{"email":"ada@example.com","metadata":{"a;b":"1;2"}} []`},
		{"\"email\"\nada@example.com\n", `{"email":"ada@example.com"} []`},
	} {
		var s Sheet
		if err := s.UnmarshalText([]byte(c.sheet)); err != nil || len(s.rows) != 1 || s.rows[0].err != nil {
			t.Errorf("%q: %v %v", c.sheet, err, s.rows)
			continue
		}
		if got := fmt.Sprint(string(s.rows[0].entry), " ", s.rows[0].teams); got != c.want {
			t.Errorf("%q is %s", c.sheet, got)
		}
	}
}

func TestALimitIsRead(t *testing.T) {
	t.Parallel()
	for cell, want := range map[string]string{
		"200": "200", "200.5": "200.5", "200,5": "200.5", "200,50": "200.50", "1e3": "1e3", "Unlimited": "null",
		"1,000": "", "1,000.50": "", "1.000,50": "", ",50": "", "200,": "", "1,2,3": "", "-1,5": "", "$5": "", "1,e5": "",
	} {
		if got, err := limitOf(cell); string(got) != want || (err == nil) != (want != "") {
			t.Errorf("%q is %s, %v", cell, got, err)
		}
	}
}

func TestASheetThatIsNoneIsRefusedByPlace(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ sheet, code, says string }{
		{"", "malformed_csv", "empty"},
		{"\ufeff", "malformed_csv", "empty"},
		{"name,role\nAda,member\n", "malformed_csv", "no column email"},
		{"email,shoe size,Hat\nada@example.com,1,2\n", "unknown_column", `"shoe size", "Hat"`},
		{"email,metadata.\n", "unknown_column", `"metadata."`},
		{"email,\xff\n", "unknown_column", "column"},
		{"email;role;shoe size\nada@example.com;member;1\n", "unknown_column", `no column "shoe size"`},
		{"email;role,name\nada@example.com;member,Ada\n", "unknown_column", `no column "role,name"`},
		{"email\t\trole\n", "unknown_column", `no column ""`},
		{"email,E-Mail\n", "malformed_csv", "two columns"},
		{"email,\"role\nada@example.com,member\n", "malformed_csv", "line"},
		{"email,name\nada@example.com,\"Ada\nbob@example.com,Bob\n", "malformed_csv", "begins in line 2"},
		{"email\n" + strings.Repeat("a@example.com\n", maxRows+1), "too_many_rows", "10000"},
		{"email\n" + strings.Repeat(",", maxCells+1), "malformed_csv", "cells"},
		{"email;name\n" + strings.Repeat(";", maxCells+1), "malformed_csv", "cells"},
	} {
		err := new(Sheet).UnmarshalText([]byte(c.sheet))
		refused, ok := errors.AsType[*fault.Error](err)
		if !ok || refused.Code != c.code || !strings.Contains(refused.Detail, c.says) {
			t.Errorf("%.60q: %v", c.sheet, err)
		}
	}
}

// cell draws what a cell may hold; none begins or ends with a space.
func cell(t *rapid.T, label string) string {
	return strings.TrimSpace(strings.ToValidUTF8(strings.ReplaceAll(rapid.StringN(0, 20, 60).Draw(t, label), "\r", ""), ""))
}

func TestASheetThatIsWrittenIsReadAsItWas(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		names := rapid.Permutation([]string{"email", "name", "role", "preset", "message", "metadata.a", "metadata.B c"}).Draw(t, "columns")
		names = names[:rapid.IntRange(1, len(names)).Draw(t, "width")]
		var (
			file  bytes.Buffer
			wrote []map[string]string
		)
		w := csv.NewWriter(&file)
		w.UseCRLF = rapid.Bool().Draw(t, "CRLF")
		if len(names) > 1 {
			w.Comma = rapid.SampledFrom([]rune{',', ';', '\t'}).Draw(t, "separator")
		}
		if rapid.Bool().Draw(t, "BOM") {
			file.WriteString("\ufeff")
		}
		header := append([]string{}, names...)
		for i, name := range header {
			if name[0] != 'm' && rapid.Bool().Draw(t, "upper") {
				header[i] = strings.ToUpper(name)
			}
		}
		if err := w.Write(header); err != nil {
			t.Fatal(err)
		}
		for range rapid.IntRange(0, 10).Draw(t, "rows") {
			cells, row := make([]string, len(names)), map[string]string{}
			for i, name := range names {
				if cells[i] = cell(t, name); cells[i] != "" {
					row[name] = cells[i]
				}
			}
			if err := w.Write(cells); err != nil {
				t.Fatal(err)
			}
			if len(row) > 0 {
				wrote = append(wrote, row)
			}
		}
		w.Flush()
		var s Sheet
		err := s.UnmarshalText(file.Bytes())
		if !bytes.Contains(bytes.ToLower(file.Bytes()), []byte("email")) {
			return
		}
		if err != nil {
			if strings.Contains(err.Error(), "no column email") {
				return
			}
			t.Fatal(err)
		}
		var read []map[string]string
		for _, r := range s.rows {
			if r.err != nil {
				t.Fatal(r.err)
			}
			var members map[string]any
			if err := json.Unmarshal(r.entry, &members); err != nil {
				t.Fatal(err)
			}
			row := map[string]string{}
			for name, value := range members {
				if name != "metadata" {
					row[name] = value.(string)
					continue
				}
				for member, value := range value.(map[string]any) {
					row[metadataColumn+member] = value.(string)
				}
			}
			read = append(read, row)
		}
		if diff := cmp.Diff(wrote, read); diff != "" {
			t.Fatalf("%q\n%s", file.String(), diff)
		}
	})
}

func FuzzSheet(f *testing.F) {
	for _, seed := range []string{
		"email,role\r\nada@example.com,member\r\n", "\ufeffE-Mail\n\"a\"\"b@example.com\"\n", "email,teams,monthly_limit\na@b.example,x;y,1e3\n",
		"email\n\"", "email\n\"a\"b\nc\n", "email,metadata.x\n\xff,\x00\n", "email\n,,,\n a@b.example ,x\n", "\"email\n\"\n",
		"email;teams;daily_limit\na@b.example;\"x;y\";1,5\n", "\"metadata.;\"\temail\n\t\ta@b.example\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var s Sheet
		if err := s.UnmarshalText(raw); err != nil {
			if _, ok := errors.AsType[*fault.Error](err); !ok {
				t.Fatalf("%q: %v", raw, err)
			}
			return
		}
		for i, row := range s.rows {
			if row.place.Line < 2 {
				t.Fatalf("%q: row %d is in line %d", raw, i, row.place.Line)
			}
			e := entry{}
			if row.err != nil {
				e = unreadableEntry(row.place, row.err)
			} else {
				e = readEntry(row.entry, row.place)
			}
			kept, err := json.Marshal(e)
			if err != nil {
				t.Fatalf("%q: %v", raw, err)
			}
			var again entry
			if err := json.Unmarshal(kept, &again); err != nil {
				t.Fatalf("%s: %v", kept, err)
			}
			if e.Code == "" && again.Invite.Email != e.Invite.Email {
				t.Fatalf("%s is kept as %s", e.Invite.Email, kept)
			}
		}
	})
}
