/**
 * TensorFlow.js on its plain backend. Its layers call operations as methods of tensors, which the package `@tensorflow/tfjs` registers and its
 * parts alone do not; here that is done for all operations that the core exports.
 */
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';

const methods = tf.Tensor.prototype as unknown as Record<string, unknown>;
for (const [name, operation] of Object.entries(tf)) {
  if (typeof operation !== 'function' || !/^[a-z]/.test(name) || name in methods) continue;
  methods[name] = function (this: tf.Tensor, ...rest: unknown[]) {
    return (operation as (...all: unknown[]) => unknown)(this, ...rest);
  };
}
Object.assign(methods, {
  flatten(this: tf.Tensor) {
    return tf.reshape(this, [this.size]);
  },
  asScalar(this: tf.Tensor) {
    return tf.reshape(this, []);
  },
  toFloat(this: tf.Tensor) {
    return tf.cast(this, 'float32');
  },
});

export { tf, tfl };
