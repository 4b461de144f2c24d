package cluster

import (
	"encoding/json"
	"fmt"
	"time"

	"exchange/cmd/exchange/server"

	"github.com/valyala/fasthttp"
)

// marketTimeout bounds a question whose answer waits for a decision.
const marketTimeout = 15 * time.Second

// EndDay asks the leader at the address to end the day, and with it the session of the feed.
func EndDay(address string) (*server.MarketAnswer, error) {
	return changeMarket(address, "end-day", "")
}

// Halt stops trading in an instrument, Resume lets it go on; the replica at the address has to lead.
func Halt(address, symbol string) (*server.MarketAnswer, error) {
	return changeMarket(address, "halt", symbol)
}

// Resume lets trading in an instrument go on.
func Resume(address, symbol string) (*server.MarketAnswer, error) {
	return changeMarket(address, "resume", symbol)
}

func changeMarket(address, what, symbol string) (*server.MarketAnswer, error) {
	req, resp := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
	defer fasthttp.ReleaseRequest(req)
	defer fasthttp.ReleaseResponse(resp)
	req.SetRequestURI("http://" + address + "/v1/" + what)
	if symbol != "" {
		req.URI().QueryArgs().Set("symbol", symbol)
	}
	req.Header.SetMethod(fasthttp.MethodPost)
	if err := httpClient.DoTimeout(req, resp, marketTimeout); err != nil {
		return nil, fmt.Errorf("ask %s: %w", address, err)
	}
	if resp.StatusCode() != fasthttp.StatusOK {
		return nil, fmt.Errorf("%s: %s", what, resp.Body())
	}
	a := new(server.MarketAnswer)
	return a, json.Unmarshal(resp.Body(), a)
}
