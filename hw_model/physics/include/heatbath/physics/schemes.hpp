#pragma once
// The steppers as sequences of operations, each once: for tiles of lanes in float32 on the device's kernels, and for a
// state vector in double under Boost.Odeint.

namespace heatbath::physics::schemes {

/// A space provides, on the state and its own scratch fields k (slopes) and n (noises):
///   slope(at, k)       k = slope of the variables at `at`; the sign and scale go with move()
///   draw(n, ahead)     n = standard normals of this step (ahead = 0) or of the step after it (1)
///   move(to, from, k, n), move(to, from, k)   to = from + step k + sigma n
///   mean(out, p, q)    out = (p + q) / 2
/// and the members state, guess, k1, k2, n1, n2.

/// Euler–Maruyama (Maruyama 1955): strong order 1 for additive noise, weak order 1.
template <class Space>
void euler_maruyama(Space& s) {
  s.slope(s.state, s.k1);
  s.draw(s.n1, 0);
  s.move(s.state, s.state, s.k1, s.n1);
}

/// Stochastic Heun (Kloeden and Platen 1992, 15.1; Rümelin 1982) for additive noise: strong order 1, weak order 2.
template <class Space>
void heun(Space& s) {
  s.slope(s.state, s.k1);
  s.draw(s.n1, 0);
  s.move(s.guess, s.state, s.k1, s.n1);
  s.slope(s.guess, s.k2);
  s.mean(s.k1, s.k1, s.k2);
  s.move(s.state, s.state, s.k1, s.n1);
}

/// Leimkuhler and Matthews, Appl. Math. Res. Express 2013, 34: noise (n_k + n_{k+1}) / 2. Stationary averages of order
/// 2, averages at a finite time of order 1.
template <class Space>
void leimkuhler_matthews(Space& s) {
  s.slope(s.state, s.k1);
  s.draw(s.n1, 0);
  s.draw(s.n2, 1);
  s.mean(s.n1, s.n1, s.n2);
  s.move(s.state, s.state, s.k1, s.n1);
}

/// BAOAB (Leimkuhler and Matthews, Appl. Math. Res. Express 2013, 34). A space with inertia provides
///   force()    the force at the present position     kick()   v += (dt/2) force / m
///   drift()    x += (dt/2) v                          bath()   v after dt of damping and noise alone, exactly
template <class Space>
void baoab(Space& s) {
  s.force();
  s.kick();
  s.drift();
  s.bath();
  s.drift();
  s.force();
  s.kick();
}

}  // namespace heatbath::physics::schemes
