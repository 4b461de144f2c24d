/*
 * Who may write a log, and what a new leader does before it writes: the rules of this package, small enough that every state can be looked at.
 *
 * Three replicas. 0 and 1 want to lead, TRIES0 and TRIES1 times at most; 2 only lets others in. Each log has SLOTS slots, 1 or 2. A crash is in here: a replica
 * that takes no step any more. A step is one act on one memory: a request served, a READ of one header or tail, a WRITE of one entry or word. The steps of
 * all replicas mix in every order, so any of them may be as late as it likes.
 *
 *   LET_IN                     permission.go    revoke, then grant, then say so
 *   stand, know, copy          catchup.go       permission of a majority, what it has, what is missing here, a number above all that were found
 *   prepare, choose            catchup.go       followers are brought up and get the number, their tails are read
 *   propose, send, decide      leader.go
 *   meet, renumber, join       membership.go    one that let this leader in late is taken in
 *
 * What must hold is asserted where it could break. Each of these names, defined, takes one rule out, and then an assertion has to fail:
 *
 *   NO_REVOKE            the old writer keeps its right when the new one gets it
 *   GRANT_BEFORE_REVOKE  the new writer has its right, and is told, before the old one has lost its own
 *   BEFORE_MAJORITY      decided as soon as it lies in the leader's log
 *   NO_TAILS             a new leader does not look for what the old one wrote
 *   LOWEST_TAIL          of several entries for a slot the one with the lowest number is taken
 *   NUMBER_REUSED        a proposal number is taken that is not above all that were found
 *   NO_BRING_UP          followers are not written what they lack
 *   COMMIT_AHEAD         a follower is told that entries are decided before it has them
 *   DEPOSED_JOINS        a leader takes another in without a new number at a majority
 *   UNDRAINED_JOINS      it does so while something is under way
 *   NO_RECALL            with DELAYS: what a leader had under way is not recalled before it asks to be let in again
 *   FORGETFUL_VOTES      with LOSS: a replica that lost its memory votes
 *
 * Three more make the model larger: with DROPS a leader stops writing to one that is silent, and asks it again; with DELAYS a WRITE may be under way
 * for long; with LOSS replica 2 starts again once without its memory, as a learner (membership.go).
 */

#ifndef TRIES0
#define TRIES0 2
#endif
#ifndef TRIES1
#define TRIES1 2
#endif
#ifndef SLOTS
#define SLOTS 2
#endif

#define REPLICAS 3
#define NOBODY   3
#define BIT(r)   (1 << (r))
#define IN(s, r) (((s) & BIT(r)) != 0)
#define AT(r, s) ((r) * SLOTS + (s))
#define TO(r, l) ((r) * 2 + (l))

/* What stands in each replica's log: the proposal number in its header, how much is known there to be decided, and the entries. The number 0 is an empty
 * slot's; a value is named by who proposed it first, and in which attempt. */
byte minProposal[REPLICAS];
byte commit[REPLICAS];
byte number[REPLICAS * SLOTS];
byte value[REPLICAS * SLOTS];

/* Who may write each log as its memory enforces it, a set; and who holds it as its owner says. */
byte writers[REPLICAS];
byte holder[REPLICAS];

/* Requests for permission, of 0 and 1, that are not served yet; and those of the present attempt that were granted. */
bool asked[REPLICAS * 2];
byte granted[REPLICAS * 2];
#define BY_LEARNER 1
#define BY_VOTER   2
#define VOTED(p)   (granted[TO(p, l)] == BY_VOTER)

/* Replica 2 votes unless it lost its memory; pairs to it break with that. */
#ifdef LOSS
bool lost, learns;
bool broken[2];
#define VOTES(r)      (r != 2 || !learns)
#define CONNECTED(p)  (p != 2 || !broken[l])
#define CONNECT(l)    broken[l] = false
#define COUNTS(p)     (IN(confirmed, p) && (p != 2 || !learner))
#else
#define VOTES(r)      true
#define CONNECTED(p)  true
#define CONNECT(l)    skip
#define COUNTS(p)     IN(confirmed, p)
#endif

#ifdef DELAYS
/* A WRITE under way of each pair, that leaves now and arrives whenever it is let through. */
byte lateSlot[REPLICAS * 2] = SLOTS;
byte lateNumber[REPLICAS * 2];
byte lateValue[REPLICAS * 2];
#endif

/* The observer's: what was decided first in each slot. */
byte decided[SLOTS];

/* Six things must hold. Each is a condition over other names, by which run.sh knows which one failed. With ONLY_AGREEMENT a rule that is left out has to break
 * agreement itself, not what it rests on. */
#define AGREEMENT(s, v) assert(decided[s] == 0 || decided[s] == (v))
#ifdef ONLY_AGREEMENT
#define ONE_WRITER(r)  skip
#define FIXED(r, s, v) skip
#define RISING(r, m)   skip
#define BELIEVED(r)    skip
#define OPEN(top)      skip
#else
#define ONE_WRITER(r)  assert((writers[r] & (writers[r] - 1)) == 0)
#define FIXED(r, s, v) assert((s) >= commit[r] || value[AT(r, s)] == (v))
#define RISING(r, m)   assert((m) >= minProposal[r])
#define RIGHT(r, s)    (commit[r] <= (s) || decided[s] != 0 && value[AT(r, s)] == decided[s])
#define BELIEVED(r)    assert(RIGHT(r, 0) && RIGHT(r, SLOTS - 1))
#define OPEN(top)      assert(top <= commit[l])
#endif

/* With SEEN, what it names is asserted never to happen: so it is shown to happen, and that the assertions above are asked something. */
#define DECIDED_BY_0     1
#define DECIDED_BY_1     2
#define CHANGE_OF_LEADER 3 /* one decides a value of its own behind one of the other's */
#define CAUGHT_UP        4 /* a new leader copies what was decided without it */
#define ADOPTED          5 /* a leader decides what the other proposed */
#define TWO_FOUND        6 /* a new leader finds two values for a slot */
#define OVERTAKEN        7 /* a new leader finds a higher number than its own */
#define UNAWARE          8 /* one proposes that nobody lets write any more, and does not know */
#define TAKEN_IN         9 /* one that let the leader in late is taken in, and entries follow */
#define ADMITTED         10 /* with LOSS: one that lost its memory votes again */
#ifndef SEEN
#define SEEN 0
#endif
#define SEE(what, when) assert(SEEN != (what) || !(when))

/* ---- the owner of a log ---- */

#define ASKS(r, l)   (r != (l) && asked[TO(r, l)])
#ifdef NO_REVOKE
#define REVOKE(r)    skip
#else
#define REVOKE(r)    writers[r] = 0
#endif
#define ALLOW(r, l)  writers[r] = writers[r] | BIT(l); ONE_WRITER(r)
#define ANSWER(r, l) holder[r] = l; asked[TO(r, l)] = false; granted[TO(r, l)] = (VOTES(r) -> BY_VOTER : BY_LEARNER)

/* Nobody may write a log between its revocation and its next grant, and nobody counts on it before the answer. What others do there could as well be
 * done before or after, so the three are one step. One that leads, or tries to, does so no more when its own log is another's. */
#ifdef GRANT_BEFORE_REVOKE
#define LET_IN(l, x) d_step { ASKS(l, x); ALLOW(l, x); ANSWER(l, x); clear() } -> writers[l] = BIT(x)
#else
#define LET_IN(l, x) d_step { ASKS(l, x); REVOKE(l); ALLOW(l, x); ANSWER(l, x); clear() }
#endif

/* ---- one that leads, or tries to ---- */

/* WRITEs are let through or not by the memory they go to, in the same step. */
#define MAY_WRITE(p) (IN(writers[p], l))

#if defined(DELAYS) && !defined(NO_RECALL)
#define RECALL(p) lateSlot[TO(p, l)] = SLOTS
#else
#define RECALL(p) skip
#endif

/* stand takes the own log, forgets the attempt before, and asks for the others'. */
inline stand() {
	tries--;
	attempt++;
	REVOKE(l);
	writers[l] = writers[l] | BIT(l);
	holder[l] = l;
	RECALL(o); RECALL(2);
	CONNECT(l);
	asked[TO(o, l)] = true; granted[TO(o, l)] = 0;
	asked[TO(2, l)] = true; granted[TO(2, l)] = 0;
	clear()
}

inline clear() {
#ifdef DROPS
	dropped = false;
#endif
#ifdef LOSS
	learner = false;
#endif
	confirmed = 0; todo = 0; found = 0; mine = 0; end = 0; top = 0; from = 0; joining = 0;
	sent[o] = 0; sent[2] = 0; stage[o] = 0; stage[2] = 0;
	bestNumber[0] = 0; bestValue[0] = 0; bestNumber[SLOTS - 1] = 0; bestValue[SLOTS - 1] = 0
}

/* know READs the record and the log header of p: how much is decided there, and the highest number. */
inline know(p) {
	d_step {
		IN(todo, p) && holder[p] == l;
		todo = todo & ~BIT(p);
		sent[p] = commit[p];
		if
		:: commit[p] > top -> top = commit[p]; from = p
		:: else
		fi;
		if
		:: minProposal[p] > found -> found = minProposal[p]
		:: else
		fi
	}
}

/* take_number takes the next number of this replica's above the one found, a round and an id. */
inline take_number() {
#ifdef NUMBER_REUSED
	mine = 2 * (found < 2 -> 1 : found / 2) + l;
#else
	mine = 2 * (found / 2 + 1) + l;
#endif
	found = 0;
	RISING(l, mine);
	minProposal[l] = mine
}

/* copy READs, from the one that has most, what is decided and missing here. */
inline copy() {
	d_step {
		todo == 0 && CONNECTED(from);
		SEE(CAUGHT_UP, commit[l] < top);
		do
		:: commit[l] < top ->
			number[AT(l, commit[l])] = number[AT(from, commit[l])];
			value[AT(l, commit[l])] = value[AT(from, commit[l])];
			commit[l]++
		:: else -> break
		od;
		BELIEVED(l);
		end = commit[l];
		top = 0; from = 0;
		take_number();
		look_at(l, 0);
		look_at(l, SLOTS - 1)
	}
}

/* look_at keeps the entry with the highest number that was found for a slot behind what is decided. */
#ifdef LOWEST_TAIL
#define BETTER(n, best) (best == 0 || (n) < best)
#else
#define BETTER(n, best) ((n) > best)
#endif
inline look_at(p, s) {
	if
#ifdef NO_TAILS
	:: p == l && s >= end && number[AT(p, s)] != 0 ->
#else
	:: s >= end && number[AT(p, s)] != 0 ->
		SEE(TWO_FOUND, bestNumber[s] != 0 && bestValue[s] != value[AT(p, s)]);
#endif
		if
		:: BETTER(number[AT(p, s)], bestNumber[s]) -> bestNumber[s] = number[AT(p, s)]; bestValue[s] = value[AT(p, s)]
		:: else
		fi
	:: else
	fi
}

/* write WRITEs p the next entry that it lacks. */
inline write(p) {
	FIXED(p, sent[p], value[AT(l, sent[p])]);
	number[AT(p, sent[p])] = number[AT(l, sent[p])];
	value[AT(p, sent[p])] = value[AT(l, sent[p])];
	sent[p]++
}

#ifdef DELAYS
/* delay sends p the next entry that it lacks; it is placed when the network has it that way, if it is let through then. */
inline delay(p) {
	d_step {
		IN(confirmed, p) && sent[p] < end && lateSlot[TO(p, l)] == SLOTS;
		lateSlot[TO(p, l)] = sent[p];
		lateNumber[TO(p, l)] = number[AT(l, sent[p])];
		lateValue[TO(p, l)] = value[AT(l, sent[p])]
	}
}

#define PLACE(p, l) d_step { \
	lateSlot[TO(p, l)] < SLOTS && IN(writers[p], l); \
	FIXED(p, lateSlot[TO(p, l)], lateValue[TO(p, l)]); \
	number[AT(p, lateSlot[TO(p, l)])] = lateNumber[TO(p, l)]; \
	value[AT(p, lateSlot[TO(p, l)])] = lateValue[TO(p, l)]; \
	lateSlot[TO(p, l)] = SLOTS }

proctype Network() {
	do
	:: PLACE(0, 1)
	:: PLACE(1, 0)
	:: PLACE(2, 0)
	:: PLACE(2, 1)
	od
}
#endif

/* push WRITEs p how much is decided. */
inline push(p) {
	if
	:: commit[l] > commit[p] -> commit[p] = commit[l]
	:: else
	fi;
	BELIEVED(p)
}

/* How far a follower is in prepare. */
#define BRING_UP 0
#define TAIL     1
#define DONE     2

#ifdef NO_BRING_UP
#define LACKS(p) false
#else
#define LACKS(p) (sent[p] < end)
#endif

/* prepare WRITEs p what is decided and missing there, then how much is decided, then the number, and READs its tail. */
inline prepare(p) {
	d_step {
		MAY_WRITE(p) && IN(confirmed, p) && stage[p] == BRING_UP;
		if
		:: LACKS(p) -> write(p)
		:: else ->
			push(p);
			RISING(p, mine);
			minProposal[p] = mine;
			stage[p] = TAIL
		fi
	}
}

inline read_tail(p) {
	d_step {
		IN(confirmed, p) && CONNECTED(p) && stage[p] == TAIL;
		look_at(p, 0);
		look_at(p, SLOTS - 1);
		SEE(OVERTAKEN, bestNumber[0] > mine || bestNumber[SLOTS - 1] > mine);
		sent[p] = end;
		stage[p] = DONE
	}
}

/* choose proposes what was found again, up to the first slot that is empty everywhere. */
#define READY(p) (!IN(confirmed, p) || stage[p] == DONE)
inline choose() {
	d_step {
		/* with a higher number than our own, another has written there meanwhile: this one was deposed */
		READY(o) && READY(2) && bestNumber[0] <= mine && bestNumber[SLOTS - 1] <= mine;
		do
		:: end < SLOTS && bestNumber[end] != 0 ->
			number[AT(l, end)] = mine;
			value[AT(l, end)] = bestValue[end];
			end++
		:: else -> break
		od;
		bestNumber[0] = 0; bestValue[0] = 0; bestNumber[SLOTS - 1] = 0; bestValue[SLOTS - 1] = 0;
		stage[o] = 0; stage[2] = 0
	}
}

/* drop stops writing to one that is not needed for a majority, as when it is silent, and asks it again. */
#ifdef DROPS
#define DROP(p, q) :: d_step { \
	IN(confirmed, p) && IN(confirmed, q) && stage[p] != DONE && !dropped; \
	dropped = true; confirmed = confirmed & ~BIT(p); sent[p] = 0; stage[p] = BRING_UP; \
	RECALL(p); asked[TO(p, l)] = true; granted[TO(p, l)] = 0 }
#else
#define DROP(p, q)
#endif

/* meet READs the header of one that let this leader in late. */
inline meet(p) {
	d_step {
		granted[TO(p, l)] != 0 && holder[p] == l && !IN(confirmed, p) && joining == 0;
		top = commit[p];
		found = (minProposal[p] > mine -> minProposal[p] : mine);
		joining = 1
	}
}

/* renumber, when nothing is under way, WRITEs a new number to q, which makes a majority: only who still leads can. */
#ifdef UNDRAINED_JOINS
#define DRAINED true
#else
#define DRAINED (commit[l] == end)
#endif
inline renumber(q) {
	d_step {
#ifdef DEPOSED_JOINS
		joining == 1 && COUNTS(q) && sent[q] == end && DRAINED;
#else
		joining == 1 && COUNTS(q) && sent[q] == end && DRAINED && MAY_WRITE(q);
		push(q);
		take_number();
		RISING(q, mine);
		minProposal[q] = mine;
#endif
		joining = 2
	}
}

/* join begins to write to p, from what is decided there on. */
inline join(p) {
	d_step {
		joining == 2 && MAY_WRITE(p) && !IN(confirmed, p);
		SEE(TAKEN_IN, end < SLOTS);
		OPEN(top);
		RISING(p, mine);
		minProposal[p] = mine;
		sent[p] = (top < end -> top : end);
		confirmed = confirmed | BIT(p);
#ifdef LOSS
		learner = (p == 2 -> granted[TO(p, l)] == BY_LEARNER : learner);
#endif
		top = 0;
		joining = 0
	}
}

#ifdef BEFORE_MAJORITY
#define HELD(s) true
#else
#define HELD(s) (COUNTS(o) && sent[o] > (s) || COUNTS(2) && sent[2] > (s))
#endif

#ifdef LOSS
#ifdef FORGETFUL_VOTES
#define STARTS_AS_LEARNER false
#else
#define STARTS_AS_LEARNER true
#endif

/* lose: replica 2 starts again without its memory. Nothing that it granted holds. */
#define LOSE d_step { \
	l == 2 && !lost; \
	lost = true; learns = STARTS_AS_LEARNER; \
	minProposal[2] = 0; commit[2] = 0; writers[2] = 0; holder[2] = NOBODY; \
	number[AT(2, 0)] = 0; value[AT(2, 0)] = 0; number[AT(2, SLOTS - 1)] = 0; value[AT(2, SLOTS - 1)] = 0; \
	asked[TO(2, 0)] = false; asked[TO(2, 1)] = false; \
	broken[0] = true; broken[1] = true }

/* hear: one that leads, and would without it, asks it again. */
inline hear() {
	d_step {
		broken[l] && IN(confirmed, o);
		CONNECT(l);
		asked[TO(2, l)] = true; granted[TO(2, l)] = 0;
		if
		:: !IN(confirmed, 2) && joining != 0 -> joining = 0; top = 0; found = 0
		:: else
		fi;
		confirmed = BIT(o); sent[2] = 0; learner = false
	}
}

/* admit WRITEs a learner how much is decided, when it has that, and that it votes. */
inline admit() {
	d_step {
		IN(confirmed, 2) && learner && MAY_WRITE(2) && sent[2] == end && commit[l] == end;
		push(2);
		SEE(ADMITTED, end > 0);
		learns = false;
		learner = false
	}
}
#endif

#define BEHIND(p) (MAY_WRITE(p) && IN(confirmed, p) && sent[p] < end)
#define UNTOLD(p) (MAY_WRITE(p) && IN(confirmed, p) && commit[p] < commit[l] && TOLD(sent[p] >= commit[l]))
#ifdef COMMIT_AHEAD
#define TOLD(has) true
#else
#define TOLD(has) has
#endif

proctype Replica(byte l; byte tries) {
	byte o = (l < 2 -> 1 - l : 2); /* the other one that may lead */
	byte attempt;
	byte confirmed, todo;          /* sets of replicas */
	byte found, mine;              /* the highest number found, and the own one */
	byte top, from;                /* how much is decided as far as known, and who has it */
	byte end;
	byte joining;
	byte sent[REPLICAS], stage[REPLICAS];
	byte bestNumber[SLOTS], bestValue[SLOTS];
#ifdef DROPS
	bool dropped;                  /* once an attempt */
#endif
#ifdef LOSS
	bool learner;                  /* 2 is written to, and does not count */
#endif

follow:
	do
	:: LET_IN(l, 0)
	:: LET_IN(l, 1)
#ifdef LOSS
	:: LOSE
#endif
	:: d_step { tries > 0; stand() } -> break
	od;

ask:
	do
	:: d_step {
		VOTED(o) || VOTED(2);
		confirmed = (VOTED(o) -> BIT(o) : 0) | (VOTED(2) -> BIT(2) : 0);
		todo = confirmed;
		top = commit[l]; found = minProposal[l]
	   } -> break
	:: LET_IN(l, o) -> goto follow
	:: d_step { tries > 0; stand() }
	od;

	do
	:: know(o)
	:: know(2)
	:: copy() -> break
	:: LET_IN(l, o) -> goto follow
	:: d_step { tries > 0; stand() } -> goto ask
	od;

	do
	:: prepare(o)
	:: prepare(2)
	:: read_tail(o)
	:: read_tail(2)
	DROP(o, 2)
	DROP(2, o)
	:: choose() -> break
	:: LET_IN(l, o) -> goto follow
	:: d_step { tries > 0; stand() } -> goto ask
	od;

	do
	:: d_step { /* propose */
		end < SLOTS && joining != 2;
		SEE(UNAWARE, !MAY_WRITE(o) && !MAY_WRITE(2));
		number[AT(l, end)] = mine;
		value[AT(l, end)] = 2 * attempt + l;
		end++
	   }
	:: d_step { BEHIND(o); write(o) }
	:: d_step { BEHIND(2); write(2) }
#ifdef DELAYS
	:: delay(o)
	:: delay(2)
#endif
	:: d_step { /* decide */
		commit[l] < end && HELD(commit[l]);
		AGREEMENT(commit[l], value[AT(l, commit[l])]);
		SEE(DECIDED_BY_0, l == 0);
		SEE(DECIDED_BY_1, l == 1);
		SEE(CHANGE_OF_LEADER, commit[l] == 1 && decided[0] % 2 != l && value[AT(l, 1)] % 2 == l);
		SEE(ADOPTED, value[AT(l, commit[l])] % 2 != l);
		decided[commit[l]] = value[AT(l, commit[l])];
		commit[l]++
	   }
	:: d_step { UNTOLD(o); push(o) }
	:: d_step { UNTOLD(2); push(2) }
	:: meet(o)
	:: meet(2)
	:: renumber(o)
	:: renumber(2)
	:: join(o)
	:: join(2)
#ifdef LOSS
	:: hear()
	:: admit()
#endif
	DROP(o, 2)
	DROP(2, o)
	:: LET_IN(l, o) -> goto follow
	:: d_step { tries > 0; stand() } -> goto ask
	od
}

init {
	atomic {
		holder[0] = NOBODY; holder[1] = NOBODY; holder[2] = NOBODY;
		run Replica(0, TRIES0);
		run Replica(1, TRIES1);
		run Replica(2, 0)
#ifdef DELAYS
		;run Network()
#endif
	}
}
