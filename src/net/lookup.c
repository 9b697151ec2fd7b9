/*
 * Names of hosts, both ways, through the system's resolver.
 */
#include <sys/socket.h>

#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <rsthop/clock.h>
#include <rsthop/lookup.h>

/* Resolvers are asked so many questions at once. */
#define LOOKUP_WORKERS 16

static int
lookup_family(int version)
{
	return version == 4 ? AF_INET : version == 6 ? AF_INET6 : AF_UNSPEC;
}

/* getaddrinfo()'s status; *out is the first address where it is 0. */
static int
lookup_resolve(const char *host, int version, struct addr *out)
{
	struct addrinfo hints = {
	    .ai_family = lookup_family(version), .ai_socktype = SOCK_STREAM};
	struct addrinfo *list;
	struct endpoint e;
	int rc;

	rc = getaddrinfo(host, NULL, &hints, &list);
	if (rc != 0)
		return rc;
	rc = EAI_NONAME;
	for (struct addrinfo *ai = list; ai != NULL && rc != 0;
	     ai = ai->ai_next)
		if (endpoint_from_sockaddr(ai->ai_addr, &e) == 0) {
			*out = e.addr;
			rc = 0;
		}
	freeaddrinfo(list);
	return rc;
}

static int
lookup_fault(
    const char *host, int version, int status, int err, struct fault *f)
{
	struct addr other;

	if (status == EAI_MEMORY)
		return fault(f, FAULT_SYSTEM, "out of memory");
	if (status == EAI_AGAIN)
		return fault(f, FAULT_NETWORK,
		    "%.100s: the name server does not answer: try again, or "
		    "give the address itself",
		    host);
	if (status == EAI_SYSTEM)
		return fault(
		    f, FAULT_NETWORK, "%.100s: %s", host, strerror(err));
	/* The resolver's own words do not tell these two apart reliably. */
	if (version != 0 && lookup_resolve(host, 0, &other) == 0)
		return fault(f, FAULT_NETWORK,
		    "%.100s has no IPv%d address: leave out -%d", host, version,
		    version);
	if (status == EAI_NONAME)
		return fault(f, FAULT_NETWORK,
		    "unknown host %.100s: check the name, or give the "
		    "address itself",
		    host);
	return fault(
	    f, FAULT_NETWORK, "%.100s: %s", host, gai_strerror(status));
}

int
lookup_host(const char *host, int version, struct addr *out, struct fault *f)
{
	struct addr a = {0};
	int rc;

	if (addr_parse(host, &a) == 0) {
		if (version != 0 && a.version != version)
			return fault(f, FAULT_NETWORK,
			    "%s is an IPv%u address: leave out -%d", host,
			    a.version, version);
		*out = a;
		return 0;
	}
	if (strchr(host, ':') != NULL && strchr(host, '%') != NULL)
		return fault(f, FAULT_NETWORK,
		    "%.100s: give the interface with -i, and the address "
		    "without it",
		    host);
	rc = lookup_resolve(host, version, &a);
	if (rc != 0)
		return lookup_fault(host, version, rc, errno, f);
	*out = a;
	return 0;
}

/*
 * What the workers share.  A resolver may hang for longer than the caller
 * waits, and cannot be called off; so it lives on the heap, and the last to
 * leave frees it, be that the caller or a worker.
 */
struct lookup_pool {
	pthread_mutex_t lock;
	pthread_cond_t news;
	unsigned int holders;
	size_t n;
	size_t next; /* the first that nobody has taken */
	size_t done;
	bool closed;		/* the caller has gone */
	struct lookup_query *q; /* the pool's own copy */
};

static void
lookup_pool_free(struct lookup_pool *p)
{
	pthread_cond_destroy(&p->news);
	pthread_mutex_destroy(&p->lock);
	free(p->q);
	free(p);
}

static void
lookup_pool_leave(struct lookup_pool *p)
{
	bool last;

	pthread_mutex_lock(&p->lock);
	last = --p->holders == 0;
	pthread_mutex_unlock(&p->lock);
	if (last)
		lookup_pool_free(p);
}

static struct lookup_pool *
lookup_pool_new(const struct lookup_query *q, size_t n)
{
	pthread_condattr_t attr;
	struct lookup_pool *p;

	p = calloc(1, sizeof(*p));
	if (p == NULL)
		return NULL;
	p->q = calloc(n, sizeof(*p->q));
	if (p->q == NULL) {
		free(p);
		return NULL;
	}
	memcpy(p->q, q, n * sizeof(*q));
	p->n = n;
	p->holders = 1;
	pthread_mutex_init(&p->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&p->news, &attr);
	pthread_condattr_destroy(&attr);
	return p;
}

static bool
lookup_is_name(const char *s)
{
	static const char ok[] = "abcdefghijklmnopqrstuvwxyz"
				 "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				 "0123456789-_.";

	return s[0] != '\0' && s[strspn(s, ok)] == '\0';
}

static void
lookup_reverse(const struct addr *a, char name[LOOKUP_NAME])
{
	struct endpoint e = {.addr = *a};
	struct sockaddr_storage ss;
	socklen_t len;
	char buf[NI_MAXHOST];

	name[0] = '\0';
	if (addr_is_none(a))
		return;
	len = endpoint_to_sockaddr(&e, &ss);
	if (getnameinfo((struct sockaddr *)&ss, len, buf, sizeof(buf), NULL, 0,
		NI_NAMEREQD) != 0)
		return;
	if (strlen(buf) < LOOKUP_NAME && lookup_is_name(buf))
		memcpy(name, buf, strlen(buf) + 1);
}

static void *
lookup_work(void *arg)
{
	struct lookup_pool *p = arg;
	char name[LOOKUP_NAME];
	struct addr a;
	size_t i;

	pthread_mutex_lock(&p->lock);
	while (!p->closed && p->next < p->n) {
		i = p->next++;
		a = p->q[i].addr;
		pthread_mutex_unlock(&p->lock);
		lookup_reverse(&a, name);
		pthread_mutex_lock(&p->lock);
		memcpy(p->q[i].name, name, sizeof(name));
		p->done++;
		pthread_cond_signal(&p->news);
	}
	pthread_mutex_unlock(&p->lock);
	lookup_pool_leave(p);
	return NULL;
}

/*
 * Starts the workers and gives their number.  Signals stay the caller's:
 * whoever waits for them must get them.
 */
static size_t
lookup_start(struct lookup_pool *p, pthread_t workers[LOOKUP_WORKERS])
{
	sigset_t all, old;
	size_t n;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	/* None of them gets beyond the lock before all are counted. */
	pthread_mutex_lock(&p->lock);
	for (n = 0; n < p->n && n < LOOKUP_WORKERS; n++) {
		if (pthread_create(&workers[n], NULL, lookup_work, p) != 0)
			break;
		p->holders++;
	}
	pthread_mutex_unlock(&p->lock);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return n;
}

/* Takes what is known into q, and tells the workers that nobody waits. */
static bool
lookup_collect(
    struct lookup_pool *p, struct lookup_query *q, const struct timespec *end)
{
	bool all;

	pthread_mutex_lock(&p->lock);
	while (p->done < p->n &&
	    pthread_cond_timedwait(&p->news, &p->lock, end) == 0)
		continue;
	all = p->done == p->n;
	p->closed = true;
	memcpy(q, p->q, p->n * sizeof(*q));
	pthread_mutex_unlock(&p->lock);
	return all;
}

static struct timespec
lookup_deadline(int64_t wait_ns)
{
	struct timespec ts;
	int64_t at;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	at = ts.tv_nsec + (wait_ns > 0 ? wait_ns : 0);
	ts.tv_sec += (time_t)(at / CLOCK_S);
	ts.tv_nsec = (long)(at % CLOCK_S);
	return ts;
}

void
lookup_names(struct lookup_query *q, size_t n, int64_t wait_ns)
{
	struct timespec end = lookup_deadline(wait_ns);
	pthread_t workers[LOOKUP_WORKERS];
	size_t n_workers;
	struct lookup_pool *p;
	bool all = true;

	for (size_t i = 0; i < n; i++)
		q[i].name[0] = '\0';
	p = n > 0 ? lookup_pool_new(q, n) : NULL;
	if (p == NULL)
		return;
	n_workers = lookup_start(p, workers);
	if (n_workers > 0)
		all = lookup_collect(p, q, &end);
	/* With nothing left to ask they end at once; else they are let go. */
	for (size_t i = 0; i < n_workers; i++)
		if (all)
			pthread_join(workers[i], NULL);
		else
			pthread_detach(workers[i]);
	lookup_pool_leave(p);
}
