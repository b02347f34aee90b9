package engine

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// parentDir, when set, makes this binary a parent: it starts an engine in that
// folder, writes an item, prints the engine's endpoint, and waits to be killed.
const parentDir = "ENGINE_TEST_PARENT_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(parentDir); dir != "" {
		e, err := Start(context.Background(), dir)
		if err == nil {
			err = write(context.Background(), e, "from the killed parent")
		}
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println(e.Endpoint())
		select {}
	}
	os.Exit(m.Run())
}

func TestDataSurviveKill(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	e := start(t, dir)
	if err := write(t.Context(), e, "answered"); err != nil {
		t.Fatal(err)
	}
	if err := e.process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-e.Exited()
	if err := e.Err(); err == nil || !strings.Contains(err.Error(), "killed") {
		t.Errorf("Err() = %v, want the signal that ended it", err)
	}
	if err := e.Close(); err != nil {
		t.Errorf("Close() after the end = %v", err)
	}
	expectItem(t, start(t, dir), "answered")
}

func TestChildEndsWithKilledParent(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	parent := exec.Command(os.Args[0])
	parent.Env = append(os.Environ(), parentDir+"="+dir)
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	var endpoint string
	if _, err := fmt.Fscanln(out, &endpoint); err != nil {
		t.Fatal(err)
	}
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	parent.Wait()

	// The folder becomes free only when the child has ended.
	e := start(t, dir)
	if conn, err := net.Dial("tcp", strings.TrimPrefix(endpoint, "http://")); err == nil && endpoint != e.Endpoint() {
		conn.Close()
		t.Errorf("the engine of the killed parent still listens on %s", endpoint)
	}
	expectItem(t, e, "from the killed parent")
}

func TestFolderServesOneEngine(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first := start(t, dir)
	_, err := Start(t.Context(), dir)
	want := fmt.Sprintf("folder %s is in use by process %d", dir, os.Getpid())
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("second Start() = %v, want %q", err, want)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	start(t, dir)
}

func TestEmptyDirKeepsNothing(t *testing.T) {
	scratch := t.TempDir()
	t.Setenv("TMPDIR", scratch)
	e := start(t, "")
	if err := write(t.Context(), e, "gone soon"); err != nil {
		t.Fatal(err)
	}
	left, err := os.ReadDir(scratch)
	if err != nil {
		t.Fatal(err)
	}
	if len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
	expectItem(t, e, "gone soon")
}

func TestStreamRecordsAreIndexed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	e := start(t, dir)
	if err := write(t.Context(), e, "x"); err != nil {
		t.Fatal(err)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	// SQLite keeps its schema as text in the file.
	data, err := os.ReadFile(filepath.Join(dir, "dynamodb.sqlite"))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(data, []byte("INDEX stream_by_number ON _stream_records")) {
		t.Error("the database has no index on its stream records")
	}
}

func TestStartThatIsCancelledLeavesTheFolderFree(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if e, err := Start(ctx, dir); err == nil {
		e.Close()
	}
	start(t, dir)
}

func TestMissingBinarySaysWhatHelps(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	tests := []struct{ goos, goarch, want string }{
		{"linux", "amd64", "run `make setup`"},
		{"plan9", "mips", "no DynamoDB engine is packaged for plan9/mips: put dynoxide on the PATH, or set DYNAMODB_ENDPOINT"},
	}
	for _, tt := range tests {
		_, err := binaryIn(t.TempDir(), tt.goos, tt.goarch)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s/%s: %v, want %q", tt.goos, tt.goarch, err, tt.want)
		}
	}
}

func start(t *testing.T, dir string) *Engine {
	t.Helper()
	e, err := Start(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	return e
}

func client(e *Engine) *dynamodb.Client {
	return dynamodb.New(dynamodb.Options{
		Region:       "eu-central-1",
		BaseEndpoint: new(e.Endpoint()),
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "local", SecretAccessKey: "local"}, nil
		}),
	})
}

func item(id string) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{"id": &types.AttributeValueMemberS{Value: id}}
}

// write creates the test's table and puts an item with the given id into it.
func write(ctx context.Context, e *Engine, id string) error {
	db := client(e)
	_, err := db.CreateTable(ctx, &dynamodb.CreateTableInput{
		TableName:            new("things"),
		BillingMode:          types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: new("id"), AttributeType: types.ScalarAttributeTypeS}},
		KeySchema:            []types.KeySchemaElement{{AttributeName: new("id"), KeyType: types.KeyTypeHash}},
	})
	if err != nil {
		return err
	}
	_, err = db.PutItem(ctx, &dynamodb.PutItemInput{TableName: new("things"), Item: item(id)})
	return err
}

func expectItem(t *testing.T, e *Engine, id string) {
	t.Helper()
	got, err := client(e).GetItem(t.Context(), &dynamodb.GetItemInput{TableName: new("things"), Key: item(id)})
	if err != nil {
		t.Fatal(err)
	}
	if got.Item == nil {
		t.Errorf("item %q is lost", id)
	}
}
