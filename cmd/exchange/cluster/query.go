package cluster

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"exchange/cmd/exchange/server"

	"github.com/valyala/fasthttp"
)

// queryTimeout bounds one question to one replica, booksTimeout one for all orders.
const (
	queryTimeout = time.Second
	booksTimeout = 10 * time.Second
)

var httpClient = fasthttp.Client{MaxIdleConnDuration: 5 * time.Second, NoDefaultUserAgentHeader: true}

func get(address, path string, into any) error {
	req, resp := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
	defer fasthttp.ReleaseRequest(req)
	defer fasthttp.ReleaseResponse(resp)
	req.SetRequestURI("http://" + address + path)
	if err := httpClient.DoTimeout(req, resp, queryTimeout); err != nil {
		return fmt.Errorf("ask %s: %w", address, err)
	}
	if resp.StatusCode() != fasthttp.StatusOK {
		return fmt.Errorf("ask %s%s: %d %s", address, path, resp.StatusCode(), resp.Body())
	}
	return json.Unmarshal(resp.Body(), into)
}

// Ask gives the status of the replica whose HTTP address it is. full asks for the hash of the whole state too.
func Ask(address string, full bool) (*server.Status, error) {
	path := "/v1/status"
	if full {
		path += "?full=1"
	}
	s := new(server.Status)
	err := get(address, path, s)
	s.Heard = Monotonic()
	return s, err
}

// Switchover asks the leader at the HTTP address to hand over to the replica, 0: to whichever has most. It returns when the leader has stepped down.
func Switchover(address string, to int) (*server.Switchover, error) {
	req, resp := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
	defer fasthttp.ReleaseRequest(req)
	defer fasthttp.ReleaseResponse(resp)
	req.SetRequestURI("http://" + address + "/v1/switchover")
	if to != 0 {
		req.URI().QueryArgs().SetUint("to", to)
	}
	req.Header.SetMethod(fasthttp.MethodPost)
	if err := httpClient.DoTimeout(req, resp, queryTimeout); err != nil {
		return nil, fmt.Errorf("ask %s: %w", address, err)
	}
	if resp.StatusCode() != fasthttp.StatusOK {
		return nil, fmt.Errorf("hand over: %s", resp.Body())
	}
	s := new(server.Switchover)
	return s, json.Unmarshal(resp.Body(), s)
}

// HashAt gives the replica's state hash after the command with the given index; "" if it is not there (yet, or any more).
func HashAt(address string, index uint64) (string, error) {
	var answer struct {
		Hash string `json:"hash"`
	}
	err := get(address, fmt.Sprintf("/v1/hash?index=%d", index), &answer)
	return answer.Hash, err
}

// Survey is the whole cluster at one moment.
type Survey struct {
	Replicas []ReplicaStatus `json:"replicas"`
	Leader   int             `json:"leader"` // 0: nobody leads
	// CommonIndex is the greatest command index that all answering replicas have applied, and Hashes their state hashes there.
	CommonIndex uint64         `json:"common_index"`
	Hashes      map[int]string `json:"hashes"`
	Agree       bool           `json:"agree"`
}

// ReplicaStatus is one replica's answer, or why there is none.
type ReplicaStatus struct {
	ID     int            `json:"id"`
	Error  string         `json:"error,omitempty"`
	Status *server.Status `json:"status,omitempty"`
}

// Look asks all replicas, and for their state hashes at a common index. addresses: HTTP address by replica id.
func Look(addresses map[int]string, full bool) Survey {
	s := Survey{Hashes: map[int]string{}, Agree: true}
	type answer struct {
		id     int
		status *server.Status
		err    error
	}
	answers := make(chan answer, len(addresses))
	for id, address := range addresses {
		go func() {
			st, err := Ask(address, full)
			answers <- answer{id, st, err}
		}()
	}
	byID := map[int]answer{}
	for range addresses {
		a := <-answers
		byID[a.id] = a
	}
	first := true
	for id := 1; id <= 16; id++ {
		a, ok := byID[id]
		if !ok {
			continue
		}
		if a.err != nil {
			s.Replicas = append(s.Replicas, ReplicaStatus{ID: id, Error: a.err.Error()})
			continue
		}
		s.Replicas = append(s.Replicas, ReplicaStatus{ID: id, Status: a.status})
		if a.status.Role == "leader" && a.status.Serving && (s.Leader == 0 || a.status.Epoch > byID[s.Leader].status.Epoch) {
			s.Leader = id
		}
		if a.status.Role != "learner" && (first || a.status.Commands < s.CommonIndex) {
			s.CommonIndex, first = a.status.Commands, false
		}
	}
	s.compare(addresses)
	return s
}

// FeedAlarm tells that a replica saw another one with another feed, or that its own makes no books.
func (s *Survey) FeedAlarm() bool {
	for _, r := range s.Replicas {
		if r.Status != nil && r.Status.Feed.Alarm() {
			return true
		}
	}
	return false
}

// Books gives the replica's books as the engine has them (server.AppendBooks), and the number of the feed's last message before them.
func Books(address string) (text string, feedNumber uint64, err error) {
	req, resp := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
	defer fasthttp.ReleaseRequest(req)
	defer fasthttp.ReleaseResponse(resp)
	req.SetRequestURI("http://" + address + "/v1/books")
	if err := httpClient.DoTimeout(req, resp, booksTimeout); err != nil {
		return "", 0, fmt.Errorf("ask %s: %w", address, err)
	}
	if resp.StatusCode() != fasthttp.StatusOK {
		return "", 0, fmt.Errorf("books of %s: %s", address, resp.Body())
	}
	feedNumber, err = strconv.ParseUint(string(resp.Header.Peek(server.FeedNumberHeader)), 10, 64)
	return string(resp.Body()), feedNumber, err
}

// Status is the answer of a replica, nil if there is none.
func (s *Survey) Status(id int) *server.Status {
	for _, r := range s.Replicas {
		if r.ID == id {
			return r.Status
		}
	}
	return nil
}

func (s *Survey) compare(addresses map[int]string) {
	if s.CommonIndex == 0 {
		return
	}
	want := ""
	for _, r := range s.Replicas {
		if r.Status == nil || r.Status.Role == "learner" {
			continue
		}
		h, err := HashAt(addresses[r.ID], s.CommonIndex)
		if err != nil || h == "" {
			continue
		}
		s.Hashes[r.ID] = h
		if want == "" {
			want = h
		} else if h != want {
			s.Agree = false
		}
	}
}

// WaitFor asks again and again until ok says yes.
func WaitFor(ctx context.Context, addresses map[int]string, ok func(Survey) bool) (Survey, error) {
	for {
		s := Look(addresses, false)
		if ok(s) {
			return s, nil
		}
		select {
		case <-ctx.Done():
			return s, fmt.Errorf("the cluster did not come to the state waited for: %w; its replicas' logs say why", ctx.Err())
		case <-time.After(20 * time.Millisecond):
		}
	}
}
