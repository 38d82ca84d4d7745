// The theory of infinitely wide fully connected networks: Poole et al. 2016, Schoenholz et al. 2017.

// The error function to 1.5e-7: Abramowitz and Stegun 7.1.26.
function erf(x) {
  const t = 1 / (1 + 0.3275911 * Math.abs(x));
  const tail = ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592) * t * Math.exp(-x * x);
  return x < 0 ? tail - 1 : 1 - tail;
}

const gauss = x => Math.exp(-x * x / 2) / Math.sqrt(2 * Math.PI);
const below = x => (1 + erf(x / Math.SQRT2)) / 2;
const logistic = x => 1 / (1 + Math.exp(-x));
const ACTIVATIONS = {
  relu: {label: 'ReLU', value: x => Math.max(x, 0), slope: x => x > 0 ? 1 : 0},
  leaky_relu: {label: 'LeakyReLU', value: x => x > 0 ? x : 0.01 * x, slope: x => x > 0 ? 1 : 0.01},
  elu: {label: 'ELU', value: x => x > 0 ? x : Math.expm1(x), slope: x => x > 0 ? 1 : Math.exp(x)},
  gelu: {label: 'GELU', value: x => x * below(x), slope: x => below(x) + x * gauss(x)},
  tanh: {label: 'tanh', value: Math.tanh, slope: x => 1 - Math.tanh(x) ** 2},
  sigmoid: {label: 'sigmoid', value: logistic, slope: x => logistic(x) * (1 - logistic(x))},
  linear: {label: 'none (linear)', value: x => x, slope: () => 1},
};

// E f(√q g)², g standard normal: midpoints, none of which is at a kink.
function meanSquare(f, q) {
  const step = 0.02, root = Math.sqrt(q);
  let sum = 0;
  for (let g = step / 2; g < 9; g += step) sum += gauss(g) * (f(root * g) ** 2 + f(-root * g) ** 2);
  return sum * step;
}

// log10 of the gradient at each layer's output over the last layer's. variance: fan-in times that of a weight; there are
// no biases, and inputs have a mean square of 1.
function theoryProfile(variance, activation, depth) {
  const {value, slope} = ACTIVATIONS[activation], gains = [];
  let q = variance;
  for (let layer = 1; layer < depth; layer++) {
    gains.push(0.5 * Math.log10(variance * meanSquare(slope, q)));
    q = variance * meanSquare(value, q);
  }
  const logs = [0];
  for (const gain of gains.reverse()) logs.unshift(logs[0] + gain);
  return logs;
}
