// A provider for the stories: the library of Zitadel with the storage and the pages of its own example, on 127.0.0.1, with
// one public client for the agents.
//
//	provider PORT USERS.json [jwt]
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net/http"
	"os"

	"github.com/zitadel/oidc/v3/example/server/exampleop"
	"github.com/zitadel/oidc/v3/example/server/storage"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

const agents = "latchkey"

// The agents' client: its ID tokens name the user, and it may sign in by a code.
type client struct {
	op.Client
	tokens op.AccessTokenType
}

func (c client) AccessTokenType() op.AccessTokenType  { return c.tokens }
func (c client) IDTokenUserinfoClaimsAssertion() bool { return true }
func (c client) GrantTypes() []oidc.GrantType {
	return append(c.Client.GrantTypes(), oidc.GrantTypeDeviceCode)
}

// The example's storage, with another look at that client.
type clients struct {
	*storage.Storage
	tokens op.AccessTokenType
}

func (s clients) GetClientByClientID(ctx context.Context, id string) (op.Client, error) {
	found, err := s.Storage.GetClientByClientID(ctx, id)
	if err != nil || id != agents {
		return found, err
	}
	return client{found, s.tokens}, nil
}

func run() error {
	if len(os.Args) < 3 {
		return errors.New("usage: provider PORT USERS.json [jwt]")
	}
	users, err := storage.StoreFromFile(os.Args[2])
	if err != nil {
		return err
	}
	storage.RegisterClients(storage.NativeClient(agents, "http://127.0.0.1/callback"))
	tokens := op.AccessTokenTypeBearer
	if len(os.Args) > 3 && os.Args[3] == "jwt" {
		tokens = op.AccessTokenTypeJWT
	}
	address := "127.0.0.1:" + os.Args[1]
	store := clients{storage.NewStorage(users), tokens}
	logger := slog.New(slog.NewTextHandler(os.Stderr, nil))
	return http.ListenAndServe(address, exampleop.SetupServer(fmt.Sprintf("http://%s", address), store, logger, false))
}

func main() {
	log.Fatal(run())
}
